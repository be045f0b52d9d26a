import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readSafetensors, scope } from "@disback/torch";
import { afterAll, describe, expect, it } from "vitest";
import { exportModel } from "../../src/runs/jobs/exporting.js";
import { drawSamples } from "../../src/runs/jobs/sampling.js";
import { load } from "../../src/runs/load.js";
import { silent } from "../../src/runs/progress.js";
import { sampleSchema } from "../../src/runs/settings/sampling.js";

const assets = fileURLToPath(new URL("../../assets/", import.meta.url));
const folders = ["teachers/emoji-teacher", "students/emoji", "students/emoji-small"].map((name) =>
  join(assets, name),
);
const base = mkdtempSync(join(tmpdir(), "disback-emoji-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** Mean red, green and blue of a picture's middle, from 0 to 1. */
async function colourOf(prompt: string): Promise<number[]> {
  const { samples } = await (await load("emoji")).generate({ prompt });
  const middle = scope(() =>
    samples.narrow(2, 12, 8).narrow(3, 12, 8).mean([0, 2, 3]).add(1).div(2).toArray(),
  );
  return middle as number[];
}

describe("the shipped emoji", () => {
  it("are small, half precision, and have their licence beside them", () => {
    const sizes = folders.flatMap((folder) =>
      readdirSync(folder).map((name) => statSync(join(folder, name)).size),
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(15e6);
    for (const folder of folders) {
      const { tensors } = readSafetensors(join(folder, "model.safetensors"));
      expect(new Set([...tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(["float16"]));
      expect(readFileSync(join(folder, "LICENSE"), "utf8")).toContain("Apache License");
      expect(readFileSync(join(folder, "NOTICE"), "utf8")).toContain("Noto Emoji");
    }
  });

  it("draw what is asked for", async () => {
    const [red, green, blue] = (await colourOf("red apple")) as [number, number, number];
    expect(red).toBeGreaterThan(green + 0.2);
    expect(red).toBeGreaterThan(blue + 0.2);
    const frog = (await colourOf("frog")) as [number, number, number];
    expect(frog[1]).toBeGreaterThan(frog[2] + 0.2);
    expect(frog[1] - frog[0]).toBeGreaterThan(green - red + 0.3);
  });

  it("make one picture of one prompt in the command", async () => {
    const out = join(base, "cat.png");
    const settings = sampleSchema.parse({ model: "emoji", prompt: "smiling cat" });
    expect(await drawSamples(settings, { out, force: false, progress: silent })).toMatchObject({ count: 1 });
    expect(existsSync(out)).toBe(true);
  });

  it("answer strange prompts with a picture or one line", async () => {
    const model = await load("emoji");
    for (const [prompt, problem] of [
      ["", "prompt: is empty"],
      [" \n", "prompt: is empty"],
      ["猫", 'prompt: this model knows nothing in "猫": it reads English words'],
      ["!?!", 'prompt: this model knows nothing in "!?!": it reads English words'],
      ["x".repeat(2e6), "prompt: 2000000 characters are more than 1000000"],
    ] as const)
      await expect(model.generate({ prompt })).rejects.toThrow(problem);
    const long = await model.generate({ prompt: "cat ".repeat(2500) });
    expect(long.samples.shape).toEqual([1, 3, 32, 32]);
    expect(long.unread).toEqual(["prompt: only its first 16 pieces of words are read, not the 2484 behind"]);
    const mixed = await model.generate({ prompt: "cat 猫" });
    expect(mixed.unread).toEqual(['prompt: this model knows nothing of "猫"']);
  });

  it("export as a page that races the teacher", async () => {
    const out = join(base, "site");
    const options = {
      format: "web",
      precision: "f16",
      threads: 1,
      force: false,
      out,
      progress: silent,
    } as const;
    const { kind, figures } = await exportModel("emoji", options);
    expect(kind).toBe("student");
    expect(figures.bytes).toBeLessThan(8e6);
    const site = JSON.parse(readFileSync(join(out, "site.json"), "utf8")) as object;
    expect(site).toMatchObject({ name: "Emoji, 32×32", teacher: { file: "teacher.onnx", steps: 18 } });
  });
});

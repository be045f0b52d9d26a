import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSafetensors } from "@disback/torch";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { openDrawer } from "../../src/runs/sample-drawer.js";
import { makeFlux, pipelinePath, tokenizerPath, writeSingleFile } from "../pipelines/fixtures.js";
import { disback } from "./command.js";

vi.setConfig({ testTimeout: 240_000 });

const base = mkdtempSync(join(tmpdir(), "disback-text-to-image-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));
const at = (name: string) => join(base, name);
const kohya = pipelinePath("loras/sd-kohya.safetensors");

beforeAll(() => {
  writeFileSync(at("prompts.txt"), "a cat\ntwo dogs\n");
  makeFlux(at("flux"));
  writeSingleFile(at("sd15.safetensors"));
});

const distill = (out: string, teacher: string, ...more: string[]) => {
  const { status, stderr } = disback(
    ...[
      "distill",
      "--teacher",
      teacher,
      "--prompts",
      at("prompts.txt"),
      "--rank",
      "2",
      "--method",
      "disback",
    ],
    ...["--record-steps", "2", "--iterations", "2", "--batch-size", "2", "--evaluate-every", "2", "--quiet"],
    ...["--set", "recording.batchSize=2", "evaluation.grid=2", "evaluation.teacher=false"],
    ...["evaluation.samples=4", "--out", at(out), ...more],
  );
  // What is missing for a judgement is told even so.
  return { status, stderr: stderr.replace(/^no (data to compare with|feature extractor).*\n/m, "") };
};
const draw = (model: string, out: string, ...more: string[]) => {
  const { status, stderr } = disback("sample", model, "--count", "2", "--quiet", "--out", at(out), ...more);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
};
const student = (run: string, options: object = {}) =>
  openDrawer(at(run), {
    ...{ seed: 0, device: "cpu", sampler: "heun", sigmaMin: 0.002, sigmaMax: 80, rho: 7, ...options },
  });

it.each([
  ["sd3", pipelinePath("sd3"), [], [3, 16, 16], "guidance_scale=1"],
  [
    ...(["flux", at("flux"), ["--resolution", "16", "--embedded-guidance", "2"], [3, 16, 16]] as const),
    "guidance_scale=2",
  ],
  [
    ...(["wan", pipelinePath("wan"), ["--resolution", "16", "--frames", "5"], [3, 5, 16, 16]] as const),
    "num_frames=1 * pipe.vae_scale_factor_temporal + 1",
  ],
] as const)(
  "%s: prompts, adapters along a trajectory, pictures without --prompt, a LoRA",
  async (name, teacher, flags, shape, use) => {
    expect(distill(`${name}-run`, teacher, ...flags)).toEqual({ status: 0, stderr: "" });
    draw(at(`${name}-run`), `${name}.${name === "wan" ? "gif" : "png"}`);
    const drawn = (await student(`${name}-run`)).draw(2);
    expect(drawn.prompts).toEqual(["a cat", "two dogs"]);
    expect(drawn.samples.shape).toEqual([2, ...shape]);
    expect(JSON.parse(readFileSync(join(at(`${name}-run`), "samples", "prompts.json"), "utf8"))).toEqual([
      "a cat",
      "two dogs",
    ]);
    expect(readFileSync(join(at(`${name}-run`), "report.html"), "utf8")).toContain("<li>two dogs</li>");
    const exported = disback("export", at(`${name}-run`), "--format", "lora", "--out", at(`${name}-lora`));
    expect(exported.status).toBe(0);
    const { tensors } = readSafetensors(join(at(`${name}-lora`), "pytorch_lora_weights.safetensors"));
    expect([...tensors.keys()].every((key) => key.startsWith("transformer."))).toBe(true);
    expect(readFileSync(join(at(`${name}-lora`), "README.md"), "utf8")).toContain(use);
  },
);

it("a checkpoint in one file is a teacher, and is drawn from", async () => {
  const file = at("sd15.safetensors");
  expect(disback("inspect", file).stdout).toMatch(/a checkpoint in one file[\s\S]*unet-2d-condition/);
  const flags = ["--tokenizer", tokenizerPath, "--resolution", "16"];
  expect(distill("single-run", file, ...flags)).toEqual({ status: 0, stderr: "" });
  expect((await student("single-run")).draw(2).samples.shape).toEqual([2, 3, 16, 16]);
  draw(file, "single-teacher.png", ...flags, "--prompt", "a cat", "--steps", "2");
  expect(distill("refused", file)).toEqual({
    status: 1,
    stderr: `error: ${file}: a single file holds no tokenizer: give a folder with CLIP's vocab.json and merges.txt, or tokenizer.json: --tokenizer FOLDER\n`,
  });
  expect(existsSync(at("refused"))).toBe(false);
});

it("LoRAs are merged into the teacher, and stay with its students", async () => {
  const sd = pipelinePath("sd");
  expect(disback("inspect", sd, "--lora", `${kohya}:0.5`).stdout).toMatch(
    /LoRA +.*sd-kohya.*weight 0.5: fits/,
  );
  expect(distill("lora-run", sd, "--lora", `${kohya}:0.5`)).toEqual({ status: 0, stderr: "" });
  const { settings } = JSON.parse(readFileSync(join(at("lora-run"), "run.json"), "utf8"));
  expect(settings.lora).toEqual([`${kohya}:0.5`]);
  await student("lora-run");
  const text = join(at("lora-run"), "student", "text.json");
  const known = JSON.parse(readFileSync(text, "utf8"));
  expect(known.choice.loras).toEqual([{ path: kohya, weight: 0.5 }]);
  writeFileSync(text, JSON.stringify({ ...known, choice: {} }));
  await expect(student("lora-run")).rejects.toThrow("has other weights than these adapters were made for");
});

it("a LoRA for another base is told in one line, and nothing is written", () => {
  const { status, stderr } = distill(
    "bad",
    pipelinePath("sd"),
    "--lora",
    pipelinePath("loras/sd3-peft.safetensors"),
  );
  expect(status).toBe(1);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(stderr).toMatch(
    /sd3-peft\.safetensors: transformer\.\S+: there is no such layer: the LoRA belongs to another base/,
  );
  expect(existsSync(at("bad"))).toBe(false);
});

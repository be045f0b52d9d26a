import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ENVIRONMENT, MAIN } from "../cli/command.js";

// The commands of docs/your-pictures.md as they stand there, on a few pictures and with few steps.
const PAGE = readFileSync(
  fileURLToPath(new URL("../../../../docs/your-pictures.md", import.meta.url)),
  "utf8",
);
const commands = PAGE.match(/```sh\n(.*?)```/s)![1]!
  .trim()
  .split("\n");
const FEW = ["evaluation.samples=16", "evaluation.grid=4", "evaluation.teacherSteps=2", "imitation.steps=2"];
const SHORT: Record<string, string[]> = {
  teacher: ["--iterations", "3", "--batch-size", "8", "--set", ...FEW.slice(0, 3)],
  distill: ["--iterations", "2", "--batch-size", "8", "--set", ...FEW],
};

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "disback-pictures-"));
  for (const [index, name] of ["dots", "stripes"].entries()) {
    mkdirSync(join(folder, "photos", name), { recursive: true });
    for (let picture = 0; picture < 8; picture++) {
      const pixels = Buffer.from(
        Array.from({ length: 768 }, (_, i) => (i * (picture + 3) * (97 * index + 31)) % 256),
      );
      const raw = { width: 16, height: 16, channels: 3 } as const;
      await sharp(pixels, { raw }).toFile(join(folder, "photos", name, `${picture}.png`));
    }
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("the four commands of docs/your-pictures.md lead from a folder of pictures to a page", () => {
  expect(commands.length).toBe(4);
  for (const line of commands) {
    const words = line.split(" ");
    expect(words.slice(0, 2)).toEqual(["npx", "disback"]);
    const flags = [...words.slice(2), ...(SHORT[words[2]!] ?? [])];
    const { status, stderr } = spawnSync(process.execPath, [MAIN, ...flags], {
      ...{ cwd: folder, encoding: "utf8", env: ENVIRONMENT },
    });
    expect(status, `${line}\n${stderr}`).toBe(0);
  }
  for (const made of ["look.png", "runs/student/report.html", "site/index.html", "site/model.onnx"])
    expect(existsSync(join(folder, made)), made).toBe(true);
  // The classes' names came along, and the teacher came to the race.
  const config = JSON.parse(readFileSync(join(folder, "runs/student/student/config.json"), "utf8"));
  expect(config.classNames).toEqual(["dots", "stripes"]);
  expect(JSON.parse(readFileSync(join(folder, "site/site.json"), "utf8")).teacher).toBeDefined();
}, 240_000);

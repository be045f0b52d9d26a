import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Generator, randn } from "@disback/torch";
import { afterAll, expect, it, vi } from "vitest";
import { writePngFolder } from "../../src/data/output/png.js";
import { openClip } from "../../src/import/transformers/open-clip.js";
import { ClipScore } from "../../src/metrics/clip-score.js";
import { evaluateModel } from "../../src/runs/jobs/evaluation.js";
import { openDrawer } from "../../src/runs/sample-drawer.js";
import { evaluateSchema } from "../../src/runs/settings/sampling.js";
import { pipelinePath } from "../pipelines/fixtures.js";

const clip = fileURLToPath(new URL("../fixtures/metrics/clip", import.meta.url));
const place = mkdtempSync(join(tmpdir(), "disback-evaluate-clip-"));
vi.stubEnv("XDG_CACHE_HOME", join(place, "cache"));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(place, { recursive: true });
});

const notices: string[] = [];
const progress = {
  ...{ start() {}, update() {}, finish() {}, stage() {} },
  notice: (line: string) => void notices.push(line),
};
const evaluate = (settings: object) =>
  evaluateModel(evaluateSchema.parse({ clip, ...settings }), progress as never);

it("pictures of prompts by a pipeline", async () => {
  const settings = {
    model: pipelinePath("sd"),
    prompts: join(place, "prompts.txt"),
    steps: 2,
    count: 3,
    resolution: 24,
  };
  const prompts = ["a cat", "two dogs", "many words ".repeat(20).trim()];
  writeFileSync(settings.prompts, prompts.join("\n"));
  const { figures, table, measuredWith } = await evaluate({ ...settings, batchSize: 2 });
  const drawer = await openDrawer(settings.model, {
    ...{ seed: 0, device: "cpu", sampler: "heun", sigmaMin: 0.002, sigmaMax: 80, rho: 7, steps: 2, prompts },
    ...{ pipeline: { resolution: 24 } },
  });
  const score = new ClipScore(await openClip(clip));
  for (const count of [2, 1]) {
    const drawn = drawer.draw(count);
    score.add(drawn.samples, drawn.prompts!);
  }
  expect(figures.clipScore).toBeCloseTo(score.score, 4);
  expect(table.map(([name]) => name)).toContain("CLIP score");
  expect(measuredWith.at(-1)).toMatch(/mean of 100 max\(cos, 0\) of 3 pictures and their prompts by .*clip/);
  expect(notices).toContain("CLIP score: of 1 prompts only the beginning is read");
});

it("a folder of pictures with captions, each with its own", async () => {
  const folder = join(place, "pictures");
  mkdirSync(folder);
  const samples = randn([5, 3, 48, 48], { generator: new Generator(0) }).clamp(-1, 1);
  await writePngFolder(folder, samples, 0);
  const captions = ["a cat", "two dogs", "a photo", "a red car on a hill", "x"];
  const files = readdirSync(folder).sort();
  for (const [place, file] of files.entries())
    writeFileSync(join(folder, file.replace(".png", ".txt")), captions[place]!);
  const score = new ClipScore(await openClip(clip));
  score.add(samples, captions);
  expect((await evaluate({ model: folder })).figures.clipScore).toBeCloseTo(score.score, 3);
});

it("pictures without prompts, or metrics without data, are told", async () => {
  await expect(evaluate({ model: "fashion-mnist-16", steps: 1, count: 2 })).rejects.toThrow(
    "--clip: fashion-mnist-16 is not told a text, so its pictures have no prompts to fit",
  );
  const lines = join(place, "one.txt");
  writeFileSync(lines, "a cat\n");
  const settings = { model: pipelinePath("sd"), prompts: lines, steps: 1, count: 2, resolution: 24 };
  await expect(evaluate({ ...settings, metrics: ["fid"] })).rejects.toThrow(
    "there is nothing to compare with",
  );
  await expect(evaluate({ ...settings, clip: pipelinePath("sd") })).rejects.toThrow("config.json");
});

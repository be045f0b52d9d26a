import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExportFormat, RunWork, WantedRun, WantedSamples } from "@disback/studio";
import { distillPresets } from "../../runs/presets.js";
import { runToEnd, startInFolder } from "./started.js";

/** New work of the studio: `disback distill`, `sample` and `export` as separate processes. */
export const runWork: RunWork = {
  // Without data of one's own.
  presets: Object.entries(distillPresets).flatMap(([name, { teacher }]) =>
    teacher === undefined ? [] : [name],
  ),
  start,
  draw,
  export: (model: string, format: ExportFormat, out: string) =>
    runToEnd(["export", model, "--format", format, "--out", out, "--force", "--quiet"]),
};

async function start(
  folder: string,
  { preset, student, iterations, seed }: WantedRun,
  teacher?: { folder: string; data?: string },
): Promise<void> {
  const words = [
    ...["distill", "--out", folder, "--seed", String(seed)],
    ...(student === "preset" ? [] : ["--student", student]),
    ...(preset === undefined ? [] : ["--preset", preset]),
    ...(teacher === undefined ? [] : ["--teacher", teacher.folder]),
    ...(teacher?.data === undefined ? [] : ["--data", teacher.data]),
    ...(iterations === undefined ? [] : ["--iterations", String(iterations)]),
  ];
  // Its own folder does not exist yet; what goes wrong later stands in run.json.
  const place = await mkdtemp(join(tmpdir(), "disback-start-"));
  try {
    await startInFolder(words, folder, join(place, "log"));
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

async function draw(
  model: string,
  { count, seed, label, prompt, texts }: WantedSamples,
): Promise<Uint8Array> {
  const place = await mkdtemp(join(tmpdir(), "disback-draw-"));
  const out = join(place, texts ? "samples.txt" : "samples.png");
  try {
    await runToEnd([
      ...["sample", model, "--count", String(count), "--seed", String(seed), "--out", out, "--quiet"],
      // In one word, so that they are never taken for flags.
      ...(label === undefined ? [] : [`--label=${label}`]),
      ...(prompt === undefined ? [] : [`--prompt=${prompt}`]),
    ]);
    return await readFile(out);
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

import { readdir } from "node:fs/promises";
import { isObject, type RunFile, readJson } from "./run-files.js";
import type { SafeFolder } from "./safe-folder.js";
import { type SampleFrame, type SampleGrid, STAGES, type Stage } from "./wire.js";

const FRAME = /^(teacher|imitate|record|backtrack)-(\d+)\.png$/;
const REFERENCE = "reference.png";
/** Of the grids that a run draws. */
const PADDING = 4;

/** Pictures of a run's samples in the order of time, and the teacher's from the same latents. */
export interface SampleFiles {
  frames: SampleFrame[];
  reference?: { picture: string; points?: string };
}

export async function sampleFiles(folder: SafeFolder, id: string): Promise<SampleFiles> {
  const names = await namesIn(folder, id, "samples");
  const there = new Set(names);
  const points = (picture: string) => {
    const name = picture.replace(/png$/, "npy");
    return there.has(name) ? { points: name } : {};
  };
  const frames = names.flatMap((picture): SampleFrame[] => {
    const [, stage, digits] = FRAME.exec(picture) ?? [];
    return stage ? [{ stage: stage as Stage, iteration: Number(digits), picture, ...points(picture) }] : [];
  });
  return {
    frames: frames.sort(
      (a, b) => STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage) || a.iteration - b.iteration,
    ),
    ...(there.has(REFERENCE) ? { reference: { picture: REFERENCE, ...points(REFERENCE) } } : {}),
  };
}

/** How the pictures of a run are made up; `undefined` for points of the plane. */
export function sampleGrid({ settings }: RunFile, { frames }: SampleFiles): SampleGrid | undefined {
  const { evaluation } = settings;
  const count = isObject(evaluation) ? evaluation.grid : undefined;
  if (typeof count !== "number" || !(count >= 1) || frames.some((frame) => frame.points !== undefined))
    return undefined;
  return { columns: Math.ceil(Math.sqrt(count)), count, padding: PADDING };
}

/** Names of the classes that the samples show in turn, as the model's configuration has them. */
export async function classNames(folder: SafeFolder, id: string): Promise<string[] | undefined> {
  for (const model of ["student", "student-best", "teacher"]) {
    const config = await readJson(folder, id, model, "config.json");
    if (!isObject(config)) continue;
    const { labelDim, classNames: names } = config;
    if (!Number.isInteger(labelDim) || (labelDim as number) < 1 || (labelDim as number) > 100_000) continue;
    return Array.from({ length: labelDim as number }, (_, label) => {
      const name: unknown = Array.isArray(names) ? names[label] : undefined;
      return typeof name === "string" ? name : `class ${label}`;
    });
  }
  return undefined;
}

/** File names in a folder; none where it cannot be read. */
export async function namesIn(folder: SafeFolder, ...parts: string[]): Promise<string[]> {
  try {
    return await readdir(await folder.locate(...parts));
  } catch {
    return [];
  }
}

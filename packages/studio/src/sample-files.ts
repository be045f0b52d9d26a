import { readdir } from "node:fs/promises";
import {
  classNamesOf,
  promptsFile,
  promptsOf,
  type SampleGrid,
  sampleGridOf,
  stageNames,
} from "./pages/index.js";
import { isObject, type RunFile, readJson } from "./run-files.js";
import type { SafeFolder } from "./safe-folder.js";
import type { SampleFrame, Stage } from "./wire.js";

const FRAME = /^(teacher|imitate|record|backtrack)-(\d+)\.png$/;
/** Folders of models, the best choice first. */
const MODELS = ["student", "teacher", "student-best", "teacher-best"];
const REFERENCE = "reference.png";

/** Pictures of a run's samples in time order, and the teacher's from the same latents. */
export interface SampleFiles {
  frames: SampleFrame[];
  reference?: { picture: string; points?: string; texts?: string };
}

export async function sampleFiles(folder: SafeFolder, id: string): Promise<SampleFiles> {
  const names = await namesIn(folder, id, "samples");
  const there = new Set(names);
  const beside = (picture: string) => {
    const [values, texts] = ["npy", "txt"].map((ending) => picture.replace(/png$/, ending)) as [
      string,
      string,
    ];
    return { ...(there.has(values) ? { points: values } : {}), ...(there.has(texts) ? { texts } : {}) };
  };
  const frames = names.flatMap((picture): SampleFrame[] => {
    const [, stage, digits] = FRAME.exec(picture) ?? [];
    return stage ? [{ stage: stage as Stage, iteration: Number(digits), picture, ...beside(picture) }] : [];
  });
  return {
    frames: frames.sort(
      (a, b) => stageNames.indexOf(a.stage) - stageNames.indexOf(b.stage) || a.iteration - b.iteration,
    ),
    ...(there.has(REFERENCE) ? { reference: { picture: REFERENCE, ...beside(REFERENCE) } } : {}),
  };
}

/** The layout of a run's pictures; `undefined` for points of the plane and for texts. */
export function sampleGrid({ settings }: RunFile, { frames }: SampleFiles): SampleGrid | undefined {
  return frames.some(({ points, texts }) => points !== undefined || texts !== undefined)
    ? undefined
    : sampleGridOf(settings.evaluation);
}

/** The prompts that the samples show, in order; `undefined` for samples without. */
export async function promptsShown(folder: SafeFolder, id: string): Promise<string[] | undefined> {
  return promptsOf(await readJson(folder, id, "samples", promptsFile));
}

/** Names of the classes that the samples show in turn, from the model's configuration. */
export async function classNames(folder: SafeFolder, id: string): Promise<string[] | undefined> {
  for (const model of MODELS) {
    const names = classNamesOf(await readJson(folder, id, model, "config.json"));
    if (names) return names;
  }
  return undefined;
}

/** The folder of a run's model: the finished one, or the best so far; `undefined` if there is none. */
export async function modelOf(folder: SafeFolder, id: string): Promise<string | undefined> {
  for (const model of MODELS)
    if ((await readJson(folder, id, model, "config.json")) !== undefined) return model;
  return undefined;
}

/** Whether a model folder is a language model's, in the layout of transformers. */
export async function isLanguageModel(folder: SafeFolder, id: string, model: string): Promise<boolean> {
  const config = await readJson(folder, id, model, "config.json");
  return isObject(config) && typeof config.model_type === "string";
}

/** File names in a folder; none if it cannot be read. */
export async function namesIn(folder: SafeFolder, ...parts: string[]): Promise<string[]> {
  try {
    return await readdir(await folder.locate(...parts));
  } catch {
    return [];
  }
}

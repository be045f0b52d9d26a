import { readdir } from "node:fs/promises";
import { isObject, pathNodes, readJson, readRunFile } from "./run-files.js";
import type { SafeFolder } from "./safe-folder.js";
import {
  type PathNode,
  type RunDetail,
  type RunSummary,
  type SampleFrame,
  STAGES,
  type Stage,
} from "./wire.js";

const FRAME = /^(teacher|imitate|record|backtrack)-(\d+)\.png$/;

/** Everything of a run but its curves; `undefined` when it is gone. */
export async function runDetail(folder: SafeFolder, summary: RunSummary): Promise<RunDetail | undefined> {
  const { id } = summary;
  const file = await readRunFile(folder, id);
  if (!file) return undefined;
  const [samples, checkpoints, files] = await Promise.all([
    namesIn(folder, id, "samples"),
    namesIn(folder, id, "checkpoints"),
    namesIn(folder, id),
  ]);
  const path = file.path ?? (await recordedPath(folder, id));
  const points = (picture: string) => {
    const name = picture.replace(/png$/, "npy");
    return samples.includes(name) ? { points: name } : {};
  };
  const frames = samples.flatMap((picture): SampleFrame[] => {
    const [, stage, digits] = FRAME.exec(picture) ?? [];
    return stage ? [{ stage: stage as Stage, iteration: Number(digits), picture, ...points(picture) }] : [];
  });
  return {
    summary,
    settings: file.settings,
    versions: file.versions,
    machine: file.machine,
    ...(file.result ? { result: file.result } : {}),
    ...(path ? { path } : {}),
    frames: frames.sort(
      (a, b) => STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage) || a.iteration - b.iteration,
    ),
    ...(samples.includes("reference.png")
      ? { reference: { picture: "reference.png", ...points("reference.png") } }
      : {}),
    checkpoints: checkpoints
      .filter((name) => /^\d{8,}$/.test(name))
      .map(Number)
      .sort((a, b) => a - b),
    asked: (["stop", "checkpoint"] as const).filter((request) => files.includes(`${request}.request`)),
    planned: plannedIterations(file.command, file.settings),
  };
}

async function namesIn(folder: SafeFolder, ...parts: string[]): Promise<string[]> {
  try {
    return await readdir(await folder.locate(...parts));
  } catch {
    return [];
  }
}

/** The path while it is being recorded. */
async function recordedPath(folder: SafeFolder, id: string): Promise<PathNode[] | undefined> {
  const manifest = await readJson(folder, id, "trajectory", "trajectory.json");
  return isObject(manifest) ? pathNodes(manifest.nodes) : undefined;
}

function plannedIterations(command: string, settings: Record<string, unknown>): RunDetail["planned"] {
  const number = (group: string, name: string) => {
    const value = isObject(settings[group]) ? settings[group][name] : undefined;
    return typeof value === "number" ? value : undefined;
  };
  const planned: [Stage, number | undefined][] = [
    ["teacher", command === "teacher train" ? number("training", "iterations") : undefined],
    ["imitate", command === "distill" ? number("imitation", "steps") || undefined : undefined],
    ["record", command === "record" || command === "distill" ? number("recording", "steps") : undefined],
    ["backtrack", command === "record" ? undefined : number("backtracking", "iterations")],
  ];
  return Object.fromEntries(planned.filter(([, iterations]) => iterations !== undefined));
}

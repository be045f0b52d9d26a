import { isObject, pathNodes, readJson, readRunFile } from "./run-files.js";
import type { SafeFolder } from "./safe-folder.js";
import {
  classNames,
  isLanguageModel,
  modelOf,
  namesIn,
  promptsShown,
  sampleFiles,
  sampleGrid,
} from "./sample-files.js";
import type { PathNode, RunDetail, RunSummary, Stage } from "./wire.js";

/** Everything about a run except its curves; `undefined` if it is gone. */
export async function runDetail(folder: SafeFolder, summary: RunSummary): Promise<RunDetail | undefined> {
  const { id } = summary;
  const file = await readRunFile(folder, id);
  if (!file) return undefined;
  const [samples, classes, prompts, checkpoints, files, model] = await Promise.all([
    sampleFiles(folder, id),
    classNames(folder, id),
    promptsShown(folder, id),
    namesIn(folder, id, "checkpoints"),
    namesIn(folder, id),
    modelOf(folder, id),
  ]);
  const path = file.path ?? (await recordedPath(folder, id));
  const grid = sampleGrid(file, samples);
  return {
    summary,
    settings: file.settings,
    versions: file.versions,
    machine: file.machine,
    ...(file.result ? { result: file.result } : {}),
    ...(path ? { path } : {}),
    ...samples,
    ...(grid ? { grid } : {}),
    ...(classes ? { classes } : {}),
    ...(prompts ? { prompts } : {}),
    checkpoints: checkpoints
      .filter((name) => /^\d{8,}$/.test(name))
      .map(Number)
      .sort((a, b) => a - b),
    hasModel: model !== undefined,
    isLanguageModel: model !== undefined && (await isLanguageModel(folder, id, model)),
    asked: (["stop", "checkpoint"] as const).filter((request) => files.includes(`${request}.request`)),
    planned: plannedIterations(file.command, file.settings),
  };
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

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { extractState, type Module, readSafetensors, scope, TorchError } from "@disback/torch";
import type { TeacherCheckpoint } from "../distill/checkpoint-trajectory.js";
import { DisbackError } from "../errors.js";
import { checkpointFolder, listCheckpoints, readCheckpoint } from "./checkpoint.js";
import { readRunFolder } from "./run-folder.js";

/**
 * The checkpoints of a teacher's training, the earliest first: those that a run of `disback teacher train` kept (the
 * averaged weights), or the model folders in a folder, in the order of their names (numbers by value).
 *
 * @returns undefined if the source is neither
 * @throws DisbackError if it is a run without checkpoints, or one that trained no teacher
 */
export function teacherCheckpoints(source: string): TeacherCheckpoint[] | undefined {
  if (!existsSync(source)) return undefined;
  return existsSync(join(source, "run.json")) ? fromRun(source) : fromModels(source);
}

function fromRun(source: string): TeacherCheckpoint[] {
  const { command } = readRunFolder(source);
  if (command !== "teacher train")
    throw new DisbackError(`${source}: holds no trajectory, and its checkpoints are not a teacher's`);
  const iterations = listCheckpoints(source);
  if (iterations.length === 0)
    throw new DisbackError(
      `${source}: has no checkpoints left; train with --set checkpoints.keepLast=20 to keep them`,
    );
  return iterations.map((iteration) => {
    const path = checkpointFolder(source, iteration);
    return checkpoint(
      path,
      () => extractState("average", extractState("work", readCheckpoint(path).state)).tensors,
    );
  });
}

function fromModels(source: string): TeacherCheckpoint[] | undefined {
  const models = readdirSync(source)
    .filter((name) => existsSync(join(source, name, "config.json")))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .map((name) => join(source, name, "model.safetensors"));
  return models.length === 0
    ? undefined
    : models.map((path) => checkpoint(path, () => readSafetensors(path).tensors));
}

function checkpoint(name: string, read: () => Parameters<Module["loadStateDict"]>[0]): TeacherCheckpoint {
  return {
    name,
    loadInto: (model) =>
      scope(() => {
        try {
          model.loadStateDict(read());
        } catch (error) {
          if (!(error instanceof TorchError)) throw error;
          throw new DisbackError(`${name}: does not fit the teacher: ${error.message}`);
        }
      }),
  };
}

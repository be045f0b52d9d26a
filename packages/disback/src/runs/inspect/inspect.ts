import { existsSync, statSync } from "node:fs";
import { DisbackError } from "../../errors.js";
import { describeDataset } from "./dataset.js";
import { describeExtractor, describeModel, describeTrajectory } from "./model.js";
import { describeCheckpoint, describeRun } from "./run.js";
import { describeSafetensors } from "./safetensors.js";

/** What something is, and facts about it in the order they are shown. */
export interface Description {
  kind: string;
  facts: [name: string, value: string][];
}

/** Each knows its own by the files in the folder, or by the file's name; the first that does describes it. */
const KINDS: readonly ((path: string) => Description | undefined | Promise<Description | undefined>)[] = [
  describeRun,
  describeCheckpoint,
  describeTrajectory,
  describeExtractor,
  describeModel,
  describeSafetensors,
  describeDataset,
];

/**
 * Says what a file or folder is.
 *
 * @throws DisbackError when it is nothing we know, or damaged
 */
export async function inspect(path: string): Promise<Description> {
  if (!path.startsWith("toy:") && !existsSync(path))
    throw new DisbackError(`${path}: no such file or folder`);
  for (const describe of KINDS) {
    const description = await describe(path);
    if (description) return description;
  }
  const what = statSync(path).isDirectory() ? "folder" : "file";
  throw new DisbackError(`${path}: this ${what} is nothing disback knows`);
}

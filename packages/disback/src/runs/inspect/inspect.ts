import { existsSync, statSync } from "node:fs";
import { DisbackError } from "../../errors.js";
import type { Progress } from "../progress.js";
import { describeDataset } from "./dataset.js";
import type { Description, InspectOptions } from "./description.js";
import { describeLanguageModel } from "./language-model.js";
import {
  describeAdapters,
  describeExtractor,
  describeModel,
  describeOwnModule,
  describeTrajectory,
} from "./model.js";
import { describeCheckpoint, describeRun } from "./run.js";
import { describeSafetensors } from "./safetensors.js";
import { describeStatistics } from "./statistics.js";

/** Each recognises its kind by the files in the folder, or by the file's name. The first match describes it. */
const KINDS: readonly ((
  path: string,
  options: InspectOptions,
  progress?: Progress,
) => Description | undefined | Promise<Description | undefined>)[] = [
  describeRun,
  describeCheckpoint,
  describeTrajectory,
  describeExtractor,
  describeAdapters,
  describeOwnModule,
  describeLanguageModel,
  describeModel,
  describeSafetensors,
  describeStatistics,
  describeDataset,
];

/**
 * Says what a file or folder is.
 *
 * @throws DisbackError if it is unknown or damaged
 */
export async function inspect(
  path: string,
  options: InspectOptions = {},
  progress?: Progress,
): Promise<Description> {
  if (!path.startsWith("toy:") && !existsSync(path))
    throw new DisbackError(`${path}: no such file or folder`);
  for (const describe of KINDS) {
    const description = await describe(path, options, progress);
    if (!description) continue;
    const flag = Object.keys(options)[0];
    if (flag && description.kind !== "data set")
      throw new DisbackError(`--${flag} is for data sets, but ${path} is a ${description.kind}`);
    return description;
  }
  const what = statSync(path).isDirectory() ? "folder" : "file";
  throw new DisbackError(`${path}: disback does not know this ${what}`);
}

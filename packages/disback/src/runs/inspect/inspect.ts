import { existsSync, statSync } from "node:fs";
import { DisbackError } from "../../errors.js";
import { isTextToImageSource, type PipelineChoice } from "../../import/pipeline/text-to-image-source.js";
import { requireNoChoice } from "../pipeline-choice.js";
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
import { describePipeline } from "./pipeline.js";
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

const pipelineWith =
  (choice: PipelineChoice): (typeof KINDS)[number] =>
  (path) =>
    describePipeline(path, choice);

/**
 * Says what a file or folder is.
 *
 * @throws DisbackError if it is unknown or damaged
 */
export async function inspect(
  path: string,
  options: InspectOptions = {},
  progress?: Progress,
  choice: PipelineChoice = {},
): Promise<Description> {
  if (!path.startsWith("toy:") && !existsSync(path))
    throw new DisbackError(`${path}: no such file or folder`);
  if (!isTextToImageSource(path)) requireNoChoice(path, choice);
  for (const describe of [pipelineWith(choice), ...KINDS]) {
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

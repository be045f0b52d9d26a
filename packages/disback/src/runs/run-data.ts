import { existsSync } from "node:fs";
import type { Dataset } from "../data/dataset.js";
import { DisbackError } from "../errors.js";
import { shellWord } from "../shell-word.js";
import type { RunFolder } from "./run-folder.js";

/**
 * Stores the identity of a run's data in `run.json`, and checks that a resumed run gets the same.
 *
 * @param source path of the data
 * @param other whether other data are allowed; `run.json` then stores these
 * @throws DisbackError if the samples differ from those the run began with
 */
export async function requireSameData(
  run: RunFolder,
  source: string,
  dataset: Dataset,
  other = false,
): Promise<void> {
  const now = { source, samples: dataset.length, fingerprint: await dataset.fingerprint() };
  const before = run.record.data;
  if (before && before.fingerprint !== now.fingerprint && !other)
    throw new DisbackError(
      `${source}: holds different data than this run began with (${describe(before)}, now ${count(now.samples)}); to continue with them: --other-data`,
    );
  run.update({ data: now });
}

/** @throws DisbackError if a run's data are missing, saying how to continue */
export function requireDataPresent(data: string | undefined, folder: string): void {
  if (data === undefined || data.startsWith("toy:") || existsSync(data)) return;
  throw new DisbackError(
    `${folder}: its data are no longer at ${data}; if they were moved: disback resume ${shellWord(folder)} --data <path>`,
  );
}

function describe({ source, samples }: { source: string; samples: number }): string {
  return `${count(samples)} from ${source}`;
}

function count(samples: number): string {
  return `${samples.toLocaleString("en")} samples`;
}

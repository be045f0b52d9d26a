import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DisbackError } from "../errors.js";
import { fileError, writeFileAtomically } from "./atomic-file.js";

/** What makes a model folder a one-step student: its network is run once, at this noise level. */
export interface OneStepGenerator {
  sigmaInit: number;
}

const FILE = "generator.json";
const FORMAT = "disback-generator-1";

/** Writes `generator.json` beside a student's weights. */
export function writeGeneratorFile(modelFolder: string, generator: OneStepGenerator): void {
  const content = { format: FORMAT, kind: "one-step", ...generator };
  writeFileAtomically(join(modelFolder, FILE), `${JSON.stringify(content, null, 2)}\n`);
}

/** Reads `generator.json`; `undefined` where there is none: the model is a teacher. */
export function readGeneratorFile(modelFolder: string): OneStepGenerator | undefined {
  const path = join(modelFolder, FILE);
  if (!existsSync(path)) return undefined;
  let value: { format?: unknown; sigmaInit?: unknown } | null;
  try {
    value = JSON.parse(readFileSync(path, "utf8")) as typeof value;
  } catch (error) {
    if (error instanceof SyntaxError) throw new DisbackError(`${path}: not valid JSON`);
    throw fileError("read", path, error);
  }
  if (value?.format !== FORMAT) throw new DisbackError(`${path}: "format" is not "${FORMAT}"`);
  if (typeof value.sigmaInit !== "number" || !(value.sigmaInit > 0)) {
    throw new DisbackError(`${path}: "sigmaInit" must be a number greater than 0`);
  }
  return { sigmaInit: value.sigmaInit };
}

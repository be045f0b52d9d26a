import { access, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { readDescription } from "./description.js";
import { GenerateError } from "./errors.js";
import { OnnxGenerator } from "./generator.js";
import { refuseUnknown } from "./options.js";

/** Options of the runtime. */
export interface LoadOptions {
  /** threads inside one operator (default: number of cores) */
  threads?: number;
}

/**
 * Opens a model that `disback export --format onnx` wrote.
 * @param model a file's path, or its bytes; a model beyond 2 GiB has a second file, `NAME.data`, beside it
 * @throws GenerateError naming the file and what is wrong with it
 */
export async function loadGenerator(
  model: string | Uint8Array,
  options: LoadOptions = {},
): Promise<OnnxGenerator> {
  refuseUnknown(options, ["threads"]);
  const origin = typeof model === "string" ? model : "model";
  const bytes = typeof model === "string" ? await read(model) : model;
  const description = readDescription(bytes, origin);
  const { InferenceSession, Tensor } = runtime();
  try {
    // From its path, because a large model's weights lie in a second file beside it.
    const session = await InferenceSession.create(model as string, {
      ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
      // Hides its warnings about optimized nodes.
      logSeverityLevel: 3,
    });
    return new OnnxGenerator(session, Tensor, description);
  } catch (error) {
    const weights = `${origin}.data`;
    if (firstLine(error).includes(weights) && !(await isThere(weights)))
      throw new GenerateError(`${origin}: its weights are missing: ${weights} must lie beside it`);
    throw new GenerateError(`${origin}: ONNX Runtime refuses it: ${firstLine(error)}`);
  }
}

/** This release has no types; those of onnxruntime-common fit. */
function runtime(): typeof import("onnxruntime-common") {
  try {
    return createRequire(import.meta.url)("onnxruntime-node");
  } catch (error) {
    throw new GenerateError(`ONNX Runtime does not load on this machine: ${firstLine(error)}`);
  }
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new GenerateError(`${path}: cannot be read: ${firstLine(error)}`);
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0]!;
}

import { type DType, type Module, noGrad, ops, scope, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { TensorTable } from "./tensor-file.js";

const keysShown = 4;
const floating: ReadonlySet<DType> = new Set(["float16", "bfloat16", "float32", "float64"]);

export interface AdoptOptions {
  /** the file, for messages */
  path: string;
  /** our key of a key in the file; null for one that is not a weight; default: the same */
  rename?: (key: string) => string | null;
}

/**
 * Makes tensors of a file the weights of a network, without copying them: a mapped file's stay on disk until they are
 * used. Networks compute in one precision, that of most of the weights; the few of another are converted.
 * @param module made with `noWeights`
 * @throws DisbackError naming the file and keys that are missing, unexpected, of another shape or no numbers
 */
export function adoptTensors(module: Module, tensors: TensorTable, { path, rename }: AdoptOptions): void {
  const targets = module.stateDict();
  const given = new Map<string, Tensor>();
  const names = new Map<string, string>();
  for (const [key, tensor] of tensors) {
    const name = rename ? rename(key) : key;
    if (name === null) continue;
    given.set(name, tensor);
    names.set(name, key);
  }
  const fail = (problem: string): never => {
    throw new DisbackError(`${path}: ${problem}`);
  };
  const missing = [...targets.keys()].filter((key) => !given.has(key));
  if (missing.length > 0) fail(`missing weights: ${list(missing)}`);
  const unexpected = [...given.keys()].filter((key) => !targets.has(key)).map((key) => names.get(key)!);
  if (unexpected.length > 0) fail(`weights that the network does not have: ${list(unexpected)}`);
  for (const [key, tensor] of given) {
    const expected = targets.get(key)!.shape;
    if (tensor.shape.join() !== expected.join()) {
      fail(`${names.get(key)!} has shape [${tensor.shape.join(", ")}] instead of [${expected.join(", ")}]`);
    }
    if (!floating.has(tensor.dtype)) fail(`${names.get(key)!} is ${tensor.dtype}, which is not supported`);
  }
  const dtype = usualDtype(given);
  noGrad(() => {
    for (const [key, target] of targets) {
      const tensor = given.get(key)!;
      scope(() => ops.set_data(target, tensor.dtype === dtype ? tensor : tensor.to(dtype)));
    }
  });
}

/** The precision of most numbers; float64 counts as float32. */
function usualDtype(tensors: ReadonlyMap<string, Tensor>): DType {
  const counts = new Map<DType, number>();
  for (const { dtype, numel } of tensors.values()) {
    const kind = dtype === "float64" ? "float32" : dtype;
    counts.set(kind, (counts.get(kind) ?? 0) + numel);
  }
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0] ?? "float32";
}

function list(keys: readonly string[]): string {
  const few = keys.slice(0, keysShown).join(", ");
  return keys.length > keysShown ? `${few} and ${keys.length - keysShown} more` : few;
}

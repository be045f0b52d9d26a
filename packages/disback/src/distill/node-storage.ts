import { CheckpointError, type Module, type Tensor } from "@disback/torch";
import { z } from "zod";
import { LowRankDenoiser } from "../models/adapters/low-rank-denoiser.js";
import { mergedState } from "./adapter-nodes.js";
import { truncatedSvd } from "./truncated-svd.js";

/** @see NodeStorage */
export const nodeStorageSchema = z.object({
  kind: z.enum(["full", "half", "difference", "low-rank", "adapters"]),
  /** low-rank: smallest fraction of a difference's squared norm to keep, in (0, 1]; default 0.9 */
  energy: z.number().gt(0).max(1).optional(),
  /** low-rank: largest rank */
  maximumRank: z.int().min(1).optional(),
  /** adapters: their rank, and the layers that have one */
  rank: z.int().min(1).optional(),
  layers: z.enum(["all", "attention"]).optional(),
});

/**
 * How the weights of nodes are stored:
 *
 * - `full`: unchanged;
 * - `half`: as float16, a relative error of at most 2^-11 of each weight;
 * - `difference`: the difference to the teacher's weights as float16, the same relative error of the *difference*;
 * - `low-rank`: that difference, matrices and convolutions (as `[out, in * kernel]`) as two factors;
 * - `adapters`: the adapters that were trained on the teacher, unchanged. This is how recordings with a rank store nodes.
 *
 * Buffers are stored unchanged, and so are values that float16 cannot hold.
 */
export type NodeStorage = z.output<typeof nodeStorageSchema>;

/** Suffixes of the keys of a weight's factors. */
const [LEFT, RIGHT] = ["#left", "#right"];
const largestHalf = 65504;

/** Whether nodes are differences, which need the teacher to be read. */
export function needsTeacher({ kind }: NodeStorage): boolean {
  return kind === "difference" || kind === "low-rank" || kind === "adapters";
}

/** A node's weights as they are written. @param teacher a model of the same architecture */
export function packNode(node: Module, teacher: Module, storage: NodeStorage): Map<string, Tensor> {
  const { kind, energy = 0.9, maximumRank } = storage;
  const packed = node.stateDict();
  if (kind === "full" || kind === "adapters") return packed;
  const base = teacher.stateDict();
  for (const [key, weight] of node.namedParameters()) {
    const stored = kind === "half" ? weight : weight.float().sub(base.get(key)!.float());
    const factors =
      kind === "low-rank" && weight.ndim > 1
        ? truncatedSvd(stored.flatten(1), { energy, maximumRank })
        : undefined;
    if (factors) {
      packed.delete(key);
      packed.set(key + LEFT, halved(factors.left)).set(key + RIGHT, halved(factors.right));
    } else {
      packed.set(key, halved(stored));
    }
  }
  return packed;
}

/**
 * The weights that `packNode` was given, up to its rounding.
 * @param model a model of the node's architecture, which gives shapes and dtypes; for adapters, these or the teacher's
 * @param teacher the teacher, if the storage needs it
 * @throws CheckpointError naming the key whose factors are missing or do not match
 */
export function unpackNode(
  packed: ReadonlyMap<string, Tensor>,
  model: Module,
  teacher: Module | undefined,
  storage: NodeStorage,
): Map<string, Tensor> {
  const state = new Map(packed);
  if (storage.kind === "full") return state;
  if (storage.kind === "adapters")
    return model instanceof LowRankDenoiser ? state : mergedState(packed, teacher!);
  const base = needsTeacher(storage) ? teacher!.stateDict() : undefined;
  for (const [key, { shape, dtype }] of model.namedParameters()) {
    const difference = base ? factored(state, key, shape) : undefined;
    const stored = difference ?? state.get(key);
    // The model that loads the state refuses missing keys and wrong shapes.
    if (!stored || stored.shape.join() !== shape.join()) continue;
    state.set(key, (base ? base.get(key)!.float().add(stored.float()) : stored).to(dtype));
  }
  return state;
}

/** Removes a weight's factors from the state. @returns their product in the weight's shape */
function factored(state: Map<string, Tensor>, key: string, shape: number[]): Tensor | undefined {
  const [left, right] = [state.get(key + LEFT), state.get(key + RIGHT)];
  if (!left && !right) return undefined;
  const columns = shape.slice(1).reduce((product, size) => product * size, 1);
  const expected = left && [shape[0], left.shape[1], left.shape[1], columns].join();
  if (!left || !right || [...left.shape, ...right.shape].join() !== expected)
    throw new CheckpointError(`${key}: its two factors are missing or do not match`);
  state.delete(key + LEFT);
  state.delete(key + RIGHT);
  return left.float().matmul(right.float()).reshape(shape);
}

function halved(weight: Tensor): Tensor {
  if (weight.numel === 0 || !(weight.abs().max().item() <= largestHalf)) return weight;
  return weight.to("float16");
}

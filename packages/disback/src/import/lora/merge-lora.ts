import { type Module, noGrad, ops, scope, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { type LoraLayer, type LoraTarget, readLoraFile } from "./lora-file.js";
import { originalUNetNames } from "./original-names.js";

/** A file of adapters and its weight. */
export interface LoraChoice {
  path: string;
  /** factor of the change, default 1 */
  weight?: number | undefined;
}

/** Adapters of several files by the part of the pipeline they belong to. */
export interface Loras {
  /** Adds a part's adapters to its weights. @throws DisbackError naming file and key */
  merge(target: LoraTarget, module: Module): void;
  /** Parts that are adapted. */
  targets: ReadonlySet<LoraTarget>;
  /** @throws DisbackError naming file and key of an adapter for a part that the pipeline does not have */
  requireOnly(parts: ReadonlySet<string>): void;
}

/** Reads files of adapters. @throws DisbackError naming the file, and the key that is not understood */
export async function readLoras(choices: readonly LoraChoice[]): Promise<Loras> {
  const files: { path: string; weight: number; layers: LoraLayer[] }[] = [];
  for (const { path, weight = 1 } of choices) {
    if (!Number.isFinite(weight))
      throw new DisbackError(`${path}: its weight must be a number, not ${weight}`);
    files.push({ path, weight, layers: await readLoraFile(path) });
  }
  return {
    targets: new Set(files.flatMap(({ layers }) => layers.map(({ target }) => target))),
    requireOnly: (parts) => {
      for (const { path, layers } of files) {
        const stray = layers.find(({ target }) => !parts.has(target));
        if (stray)
          throw new DisbackError(
            `${path}: ${stray.key}: there is no ${stray.target} here: the LoRA belongs to another base model`,
          );
      }
    },
    merge: (target, module) => {
      for (const { path, weight, layers } of files) {
        const mine = layers.filter((layer) => layer.target === target);
        if (mine.length > 0) mergeLora(module, mine, weight, path);
      }
    },
  };
}

/** Changes nothing unless all layers fit. Changed weights are copies, so a mapped file stays as it is. */
function mergeLora(module: Module, layers: readonly LoraLayer[], weight: number, path: string): void {
  const names = layerNames(module);
  const fitting = layers.map((layer) => ({ layer, target: fit(names, layer, path) }));
  noGrad(() => {
    for (const { layer, target } of fitting) {
      scope(() => {
        const changed = target.float().add(
          changeOf(layer)
            .mul(weight * layer.scale)
            .reshape(target.shape),
        );
        ops.set_data(target, changed.to(target.dtype));
      });
    }
  });
}

interface Names {
  dotted: ReadonlyMap<string, Tensor>;
  flat: ReadonlyMap<string, Tensor>;
}

/** Weights of layers by their possible names in files. */
function layerNames(module: Module): Names {
  const dotted = new Map<string, Tensor>();
  for (const [key, tensor] of module.stateDict()) {
    if (key.endsWith(".weight") && tensor.ndim >= 2) dotted.set(key.slice(0, -".weight".length), tensor);
  }
  const flat = new Map([...dotted].map(([name, tensor]) => [name.replaceAll(".", "_"), tensor]));
  for (const [name, original] of originalUNetNames([...dotted.keys()])) {
    flat.set(original.replaceAll(".", "_"), dotted.get(name)!);
  }
  // transformers 5 has no "text_model." before a text encoder's layers.
  for (const [name, tensor] of [...dotted]) {
    if (name.startsWith("text_model.")) dotted.set(name.slice("text_model.".length), tensor);
  }
  return { dotted, flat };
}

function fit(names: Names, { name, flat, key, up, down }: LoraLayer, path: string): Tensor {
  const target = (flat ? names.flat : names.dotted).get(name);
  if (!target)
    throw new DisbackError(`${path}: ${key}: there is no such layer: the LoRA belongs to another base model`);
  const numbers = up.shape[0]! * (down.numel / down.shape[0]!);
  if (target.shape[0] !== up.shape[0] || target.numel !== numbers) {
    throw new DisbackError(
      `${path}: ${key} is for a layer of [${up.shape[0]}, ${down.shape.slice(1).join(", ")}], here it is [${target.shape.join(", ")}]: a LoRA for another base`,
    );
  }
  return target;
}

/** `up down` as a matrix, in float32. */
function changeOf({ up, down }: LoraLayer): Tensor {
  const rank = down.shape[0]!;
  return up
    .float()
    .reshape([-1, rank])
    .matmul(down.float().reshape([rank, -1]));
}

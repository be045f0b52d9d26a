import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import {
  type Device,
  keep,
  type MemoryFormat,
  noGrad,
  ops,
  safetensorsOnDemand,
  scope,
  streamWeight,
  type Tensor,
  TorchError,
  writeSafetensors,
} from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { DenoiserModule } from "../denoiser.js";
import { bytesOf } from "../tensor-bytes.js";
import { adaptableLayers } from "./low-rank-denoiser.js";

/** Where a base's weights lie between uses: in a file that is mapped, or in the host's memory. */
export type BasePlace = { file: string } | "host";

/**
 * Moves the weights of a frozen base's linear layers and convolutions out of the memory that it computes in. Each layer
 * fetches its weight before its forward pass and again in its backward pass, and releases it at once; nothing is ever
 * written back. Results do not change by a bit. Normalizations, biases and tables stay.
 *
 * @param base frozen here; not to be moved or converted afterwards
 * @param place a file, for a base on the CPU (written if it is not there; its name must tell bases apart), or "host",
 *   for one on a GPU
 * @returns bytes that left the memory
 * @throws DisbackError naming the file that cannot be written, or that holds other weights
 */
export function streamBase(base: DenoiserModule, place: BasePlace): number {
  const layers = adaptableLayers(base.requiresGrad_(false));
  const weights = new Map(layers.map(([key, { weight }]) => [key, weight]));
  const stored = place === "host" ? inHostMemory(weights) : inFile(weights, place.file);
  let bytes = 0;
  for (const [key, weight] of weights) {
    const { device } = weight;
    const format = layoutOf(weight);
    const load = stored.get(key)!;
    noGrad(() =>
      scope(() => {
        const source = load();
        bytes += bytesOf(source);
        ops.set_data(weight, source);
      }),
    );
    streamWeight(weight, { device, fetch: () => brought(load(), device, format) });
  }
  return bytes;
}

/** A stored weight for one use. */
function brought(stored: Tensor, device: Device, format: MemoryFormat): Tensor {
  const there = stored.device === device ? stored : stored.to({ device });
  return there.contiguous(format);
}

function layoutOf(weight: Tensor): MemoryFormat {
  const isLast = weight.ndim === 4 && !weight.isContiguous() && weight.isContiguous("channels_last");
  return isLast ? "channels_last" : "contiguous";
}

/** Copies on the CPU; in memory that a GPU reads directly, where there is one. */
function inHostMemory(weights: ReadonlyMap<string, Tensor>): Map<string, () => Tensor> {
  return new Map(
    [...weights].map(([key, weight]) => {
      const host = scope(() => {
        const copy = weight.detach().to({ device: "cpu" }).contiguous();
        return keep(weight.device === "cpu" ? copy : ops.pin_memory(copy));
      });
      return [key, () => host.detach()];
    }),
  );
}

function inFile(weights: ReadonlyMap<string, Tensor>, file: string): Map<string, () => Tensor> {
  try {
    if (!existsSync(file)) {
      mkdirSync(dirname(file), { recursive: true });
      noGrad(() => scope(() => writeSafetensors(file, new Map(weights))));
    }
    const stored = safetensorsOnDemand(file);
    const wanted = [...weights.values()].reduce((sum, weight) => sum + bytesOf(weight), 0);
    if (
      stored.size !== weights.size ||
      [...weights.keys()].some((key) => !stored.has(key)) ||
      statSync(file).size < wanted
    )
      throw new DisbackError(`${file}: holds other weights; delete it, and it is made again`);
    return stored;
  } catch (error) {
    if (error instanceof TorchError) throw new DisbackError(error.message);
    if (error instanceof DisbackError) throw error;
    throw new DisbackError(`${file}: cannot be written: ${(error as Error).message}`);
  }
}

import { allowTf32, whyNoCuda } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { Computation } from "../models/computation.js";

/** What settings say of how networks are computed. */
export interface ComputationSettings {
  device: string;
  precision: Computation["precision"];
  tf32: boolean;
  memoryFormat?: Computation["memoryFormat"] | undefined;
  activationCheckpointing: boolean;
  cudaGraphs?: boolean;
}

/**
 * How the networks of a run are computed; sets TF32 for the process, which has one switch for all.
 * @throws DisbackError if there is no GPU and it is asked for, or TF32 or graphs without it; if graphs are asked for with
 *   activations that are computed again
 */
export function computationOf(settings: ComputationSettings): Computation {
  const { device, precision, tf32, activationCheckpointing, cudaGraphs } = settings;
  const onGpu = device.startsWith("cuda");
  const absence = onGpu ? whyNoCuda() : undefined;
  if (absence) throw new DisbackError(`"device": no ${device}: ${absence}`);
  if (tf32 && !onGpu) throw new DisbackError(`"tf32": only a GPU has it; the device is ${device}`);
  if (cudaGraphs && !onGpu)
    throw new DisbackError(`"cudaGraphs": only a GPU has them; the device is ${device}`);
  if (cudaGraphs && activationCheckpointing)
    throw new DisbackError(
      '"cudaGraphs": blocks that compute their activations again cannot be recorded; leave "activationCheckpointing" or the graphs out',
    );
  allowTf32(tf32);
  // Tensor cores convolve in this layout; without them it only costs group normalization a copy.
  const usual = onGpu && (tf32 || precision === "bf16") ? "channels-last" : "contiguous";
  return { precision, memoryFormat: settings.memoryFormat ?? usual, activationCheckpointing };
}

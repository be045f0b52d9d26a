import { allowTf32, whyNoCuda } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { Computation } from "../models/computation.js";

/** Settings of how networks are computed. */
export interface ComputationSettings {
  device: string;
  precision: Computation["precision"];
  tf32: boolean;
  memoryFormat?: Computation["memoryFormat"] | undefined;
  activationCheckpointing: boolean;
  cudaGraphs?: boolean;
  offload?: boolean;
}

/**
 * How the networks of a run are computed. Also sets TF32, which is global for the process.
 * @throws DisbackError if a GPU, TF32 or graphs are requested without a GPU, or graphs with recomputed activations
 */
export function computationOf(settings: ComputationSettings): Computation {
  const { device, precision, tf32, activationCheckpointing, cudaGraphs, offload } = settings;
  const onGpu = device.startsWith("cuda");
  const absence = onGpu ? whyNoCuda() : undefined;
  if (absence) throw new DisbackError(`"device": no ${device}: ${absence}`);
  if (tf32 && !onGpu) throw new DisbackError(`"tf32": only a GPU has it; the device is ${device}`);
  if (cudaGraphs && !onGpu)
    throw new DisbackError(`"cudaGraphs": only a GPU has them; the device is ${device}`);
  if (cudaGraphs && activationCheckpointing)
    throw new DisbackError(
      '"cudaGraphs": blocks that recompute their activations cannot be captured; leave "activationCheckpointing" or the graphs out',
    );
  if (cudaGraphs && offload)
    throw new DisbackError(
      '"cudaGraphs": steps whose layers fetch their weights cannot be captured; leave "offload" or the graphs out',
    );
  allowTf32(tf32);
  return { precision, memoryFormat: settings.memoryFormat ?? usualFormat(settings), activationCheckpointing };
}

/** The layout in which image networks are faster. */
export function usualFormat({
  device,
  precision = "f32",
  tf32 = false,
}: Pick<ComputationSettings, "device"> & Partial<ComputationSettings>): Computation["memoryFormat"] {
  // Tensor cores convolve channels-last, and x86 processors are faster in it as long as our group normalization, which is
  // for either, is used.
  const last = device.startsWith("cuda")
    ? tf32 || precision === "bf16"
    : process.arch === "x64" && precision === "f32";
  return last ? "channels-last" : "contiguous";
}

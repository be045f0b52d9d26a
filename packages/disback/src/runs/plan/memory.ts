import type { Tensor } from "@disback/torch";
import { bytesOf } from "../../models/tensor-bytes.js";
import type { Trainable } from "../stage.js";

/** Where the tensors' memory of a stage goes, in bytes. */
export interface MemoryParts {
  /** The most that tensors took during the steps. */
  peak: number;
  /** The networks that are trained, the models they learn from, and what is kept of the data. */
  weights: number;
  /** Of the largest network that is trained: only one network's gradients exist at a time. */
  gradients: number;
  /** Adam's. */
  moments: number;
  /** Averages of weights. */
  averages: number;
  /** Activations, and everything else that a step needs for a while. */
  activations: number;
  /** What a checkpoint holds. */
  state: number;
}

/** @param live tensors' bytes between steps @param peak their highest number during the steps */
export function memoryParts(work: Trainable, { live, peak }: { live: number; peak: number }): MemoryParts {
  const tensors = [...work.state().tensors];
  const sum = (matches: (key: string) => boolean) =>
    tensors.reduce((total, [key, tensor]) => total + (matches(key) ? bytesOf(tensor) : 0), 0);
  const moments = sum(isMoment);
  const averages = sum((key) => /(^|\.)average\./.test(key));
  const gradients = largestNetwork(tensors);
  return {
    peak,
    weights: Math.max(0, live - moments - averages),
    gradients,
    moments,
    averages,
    activations: Math.max(0, peak - live - gradients),
    state: sum(() => true),
  };
}

/** Adam's second moments are as large as the gradients of their network. */
function largestNetwork(tensors: readonly (readonly [string, Tensor])[]): number {
  const sizes = new Map<string, number>();
  for (const [key, tensor] of tensors) {
    const network = /^(.*?)\.?\d+\.exp_avg_sq$/.exec(key)?.[1];
    if (network !== undefined) sizes.set(network, (sizes.get(network) ?? 0) + bytesOf(tensor));
  }
  return Math.max(0, ...sizes.values());
}

function isMoment(key: string): boolean {
  return /\.exp_avg(_sq)?$/.test(key);
}

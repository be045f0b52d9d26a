import { type Device, memoryStatistics } from "@disback/torch";

/** Memory in use, in bytes. */
export interface MemoryUse {
  /** On the CPU the process's resident memory, on a GPU the memory of its tensors. */
  memoryBytes: number;
  /** Peak memory of tensors on a GPU. */
  peakMemoryBytes?: number;
}

/** The memory in use by a training on this device. */
export function memoryUse(device: Device): MemoryUse {
  if (device === "cpu") return { memoryBytes: process.memoryUsage.rss() };
  const { live, peak } = memoryStatistics(device);
  return { memoryBytes: live, peakMemoryBytes: peak };
}

import { type Device, memoryStatistics } from "@disback/torch";

/** Memory in use, in bytes. */
export interface MemoryUse {
  /** On the CPU the process's resident memory, on a GPU what its tensors hold. */
  memoryBytes: number;
  /** The most that tensors on a GPU held at once. */
  peakMemoryBytes?: number;
}

/** What a training on this device takes now. */
export function memoryUse(device: Device): MemoryUse {
  if (device === "cpu") return { memoryBytes: process.memoryUsage.rss() };
  const { live, peak } = memoryStatistics(device);
  return { memoryBytes: live, peakMemoryBytes: peak };
}

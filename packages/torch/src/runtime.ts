import { native } from "./binding.js";
import { type Device, type DType, dtypeCode, dtypeName } from "./dtype.js";

export interface MemoryStatistics {
  /** Bytes in use by CPU tensors. */
  live: number;
  /** Highest `live` since `resetPeakMemory`. */
  peak: number;
  /** Bytes kept for reuse. */
  cached: number;
  /** Tensors alive in this thread. */
  tensors: number;
}

/** The version of libtorch in use, such as "2.13.0". */
export function libtorchVersion(): string {
  return native.version();
}
/** How libtorch was built. */
export function libtorchConfiguration(): string {
  return native.configuration();
}
/** Threads an operator may use, 1 or more. */
export function setNumThreads(threads: number): void {
  native.setThreads(threads);
}
export function getNumThreads(): number {
  return native.getThreads();
}
export function cudaDeviceCount(): number {
  return native.cudaDeviceCount();
}
export function cudaIsAvailable(): boolean {
  return cudaDeviceCount() > 0;
}
export function memoryStatistics(): MemoryStatistics {
  return { ...native.memory(), tensors: native.liveTensors() };
}
export function resetPeakMemory(): void {
  native.resetPeakMemory();
}
/**
 * Bounds what CPU tensors may hold together: what does not fit is an error, where Linux would end the process.
 * @param bytes default, and with 0: the memory of the machine or of its control group
 * @throws TorchError if it is negative or no whole number
 */
export function setMemoryLimit(bytes = 0): void {
  native.setMemoryLimit(bytes);
}
/** Gives cached memory back to the system. */
export function emptyMemoryCache(): void {
  native.emptyMemoryCache();
}
/** Lets matrix products and convolutions on a GPU use TF32. Default: off. */
export function allowTf32(allowed: boolean): void {
  native.setTf32(allowed);
}

/** Runs `body` with eligible operators in half precision (bfloat16 unless said). Weights stay as they are. */
export function autocast<T>(
  options: { device?: Device; dtype?: DType; enabled?: boolean },
  body: () => T,
): T {
  const device = options.device ?? "cpu";
  if (options.enabled === false) return body();
  const [, before] = native.setAutocast(device, true, dtypeCode(options.dtype ?? "bfloat16"));
  try {
    return body();
  } finally {
    native.setAutocast(device, false, dtypeCode(dtypeName(before)));
  }
}

import { native } from "./binding.js";
import type { Device } from "./dtype.js";

export interface MemoryStatistics {
  /** Bytes in use by the device's tensors. */
  live: number;
  /** Highest `live` since `resetPeakMemory`. */
  peak: number;
  /** Bytes kept for reuse. */
  cached: number;
  /** Tensors alive in this thread, on all devices. */
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
/** Why there is no GPU to compute on, or undefined if there is one. */
export function whyNoCuda(): string | undefined {
  if (cudaIsAvailable()) return undefined;
  const version = libtorchVersion();
  return native.builtWithCuda()
    ? `libtorch ${version} is built with CUDA, which finds no GPU`
    : `libtorch ${version} is built without CUDA`;
}
/** Memory use of a device's allocator; for a GPU with libtorch 2.9 or later. */
export function memoryStatistics(device: Device = "cpu"): MemoryStatistics {
  return { ...native.memory(device), tensors: native.liveTensors() };
}
export function resetPeakMemory(device: Device = "cpu"): void {
  native.resetPeakMemory(device);
}
/**
 * Limits the memory of all CPU tensors. Beyond it there is an error, where Linux would end the process. @param bytes
 * default, or 0: the memory of the machine or of its control group @throws TorchError if it is negative or not a whole
 * number
 */
export function setMemoryLimit(bytes = 0): void {
  native.setMemoryLimit(bytes);
}
/** Waits until a GPU has finished its queued work. Needed for timing; reading a tensor waits by itself. */
export function synchronize(device: Device = "cpu"): void {
  native.synchronize(device);
}
/** Returns cached memory to the system. */
export function emptyMemoryCache(device: Device = "cpu"): void {
  native.emptyMemoryCache(device);
}
/** Sets whether matrix products and convolutions on a GPU may use TF32. libtorch's default: only convolutions. */
export function allowTf32(allowed: boolean): void {
  native.setTf32(allowed);
}

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { native } from "./binding.js";

type Collect = (options: { type: "minor" }) => void;

let minorCollection: Collect | undefined;

/**
 * V8's collection of young objects takes about a millisecond, and tensors dropped by a loop are young. This is the only
 * access to it. Without it, full collections are enough.
 */
function findMinorCollection(): Collect {
  if (globalThis.gc) return globalThis.gc as Collect;
  setFlagsFromString("--expose-gc");
  const found = runInNewContext("typeof gc === 'function' ? gc : undefined") as Collect | undefined;
  setFlagsFromString("--no-expose-gc");
  return found ?? (() => {});
}

/** Releases unreachable tensors, also inside loops that never await. */
export function reclaim(): void {
  minorCollection ??= findMinorCollection();
  minorCollection({ type: "minor" });
  if (!native.sweep()) native.collectTensors();
}

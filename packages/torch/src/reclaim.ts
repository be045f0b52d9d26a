import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { native } from "./binding.js";

type Collect = (options: { type: "minor" }) => void;

let minorCollection: Collect | undefined;

/**
 * V8's collection of young objects: about a millisecond, and tensors that a loop has dropped are young. V8 has no other
 * door to it; where it is closed, full collections do alone.
 */
function findMinorCollection(): Collect {
  if (globalThis.gc) return globalThis.gc as Collect;
  setFlagsFromString("--expose-gc");
  const found = runInNewContext("typeof gc === 'function' ? gc : undefined") as Collect | undefined;
  setFlagsFromString("--no-expose-gc");
  return found ?? (() => {});
}

/** Releases tensors that no variable holds any more, inside of loops that never await, too. */
export function reclaim(): void {
  minorCollection ??= findMinorCollection();
  minorCollection({ type: "minor" });
  if (!native.sweep()) native.collectTensors();
}

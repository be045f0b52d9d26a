import { instructions } from "./instructions.js";
import { PickleMachine, type PickleOptions } from "./machine.js";
import type { PickleValue } from "./values.js";

/**
 * Reads one pickle (protocols 0 to 5) without running anything in it: functions and classes are looked up in a table
 * of known, harmless ones; their "calls" make plain data. A pickle that names any other is refused.
 * @param bytes starts with the pickle; what follows it is left alone
 * @returns the value, and the place where the pickle ends
 * @throws DisbackError naming the pickle and the byte; if anything is refused, each refused name with its place
 */
export function readPickle(bytes: Uint8Array, options: PickleOptions): { value: PickleValue; end: number } {
  return new PickleMachine(bytes, options).run(instructions);
}

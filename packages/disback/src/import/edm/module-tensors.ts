import { isTensor } from "../checkpoint/numpy-tensor.js";
import type { StoredTensor } from "../checkpoint/stored-tensor.js";
import type { NumpyArray } from "../pickle/numpy-values.js";
import { PickleObject, type PickleValue } from "../pickle/values.js";
import { PersistentObject } from "./persistent-object.js";

/** Largest nesting of modules; real networks have five levels. */
const deepest = 32;
/** Entries of all modules together; the largest published networks have some thousands. */
const mostEntries = 1_000_000;

/**
 * The parameters and buffers of a pickled PyTorch module, by the keys of its `state_dict`.
 * @param fail called if modules are nested too deep or share parts without end
 */
export function moduleTensors(
  module: PersistentObject,
  fail: (problem: string) => never,
): Map<string, StoredTensor | NumpyArray> {
  const found = new Map<string, StoredTensor | NumpyArray>();
  let visited = 0;
  const entries = function* (value: PickleValue | undefined): Generator<[string, PickleValue]> {
    if (!(value instanceof Map)) return;
    for (const [name, entry] of value) {
      if (++visited > mostEntries) fail(`more than ${mostEntries} modules and tensors`);
      if (typeof name === "string") yield [name, entry];
    }
  };
  const visit = (object: PickleValue, prefix: string, depth: number): void => {
    const state = stateOf(object);
    if (!state) return;
    if (depth > deepest) fail(`modules are nested more than ${deepest} deep`);
    for (const part of ["_parameters", "_buffers"]) {
      for (const [name, value] of entries(state.get(part))) {
        if (isTensor(value)) found.set(prefix + name, value);
      }
    }
    for (const [name, value] of entries(state.get("_modules"))) visit(value, `${prefix}${name}.`, depth + 1);
  };
  visit(module, "", 0);
  return found;
}

function stateOf(object: PickleValue): ReadonlyMap<PickleValue, PickleValue> | undefined {
  if (object instanceof PersistentObject) return object.state;
  return object instanceof PickleObject && object.state instanceof Map ? object.state : undefined;
}

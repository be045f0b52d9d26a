import { fromTypedArray } from "./creation.js";
import { CheckpointError } from "./errors.js";
import type { Generator } from "./random.js";
import type { Tensor } from "./tensor.js";

/**
 * Everything needed to resume exactly: tensors by name, and JSON values. The tensors are live, not copies: write them
 * to disk or clone them before continuing.
 */
export interface State {
  tensors: Map<string, Tensor>;
  values: Record<string, unknown>;
}

/** Puts a state under a name: tensors "name.key", values { name: … }. Undone by `extractState`. */
export function prefixState(name: string, state: State): State {
  const tensors = new Map<string, Tensor>();
  for (const [key, tensor] of state.tensors) tensors.set(`${name}.${key}`, tensor);
  return { tensors, values: { [name]: state.values } };
}

/**
 * The state that `prefixState` had put under a name.
 * @throws CheckpointError if there is none
 */
export function extractState(name: string, state: State): State {
  const values = state.values[name];
  if (typeof values !== "object" || values === null) throw new CheckpointError(`state: "${name}" is missing`);
  const tensors = new Map<string, Tensor>();
  for (const [key, tensor] of state.tensors) {
    if (key.startsWith(`${name}.`)) tensors.set(key.slice(name.length + 1), tensor);
  }
  return { tensors, values: values as Record<string, unknown> };
}

/**
 * Several states as one.
 * @throws CheckpointError if two of them use the same name
 */
export function mergeStates(...states: State[]): State {
  const merged: State = { tensors: new Map(), values: {} };
  for (const state of states) {
    for (const [key, tensor] of state.tensors) {
      if (merged.tensors.has(key)) throw new CheckpointError(`state: two tensors are named "${key}"`);
      merged.tensors.set(key, tensor);
    }
    for (const [key, value] of Object.entries(state.values)) {
      if (key in merged.values) throw new CheckpointError(`state: two values are named "${key}"`);
      merged.values[key] = value;
    }
  }
  return merged;
}

/**
 * A tensor of a state by name.
 * @throws CheckpointError if it is missing
 */
export function stateTensor(state: State, key: string): Tensor {
  const tensor = state.tensors.get(key);
  if (!tensor) throw new CheckpointError(`state: tensor "${key}" is missing`);
  return tensor;
}

/**
 * A number of a state by name.
 * @throws CheckpointError if it is missing or not a number
 */
export function stateNumber(state: State, key: string): number {
  const value = state.values[key];
  if (typeof value !== "number") throw new CheckpointError(`state: number "${key}" is missing`);
  return value;
}

/** The position of a random generator, as a state with one uint8 tensor. */
export function generatorState(generator: Generator): State {
  const bytes = generator.getState();
  return {
    tensors: new Map([["random", fromTypedArray(bytes, [bytes.length], { dtype: "uint8" })]]),
    values: {},
  };
}

/** Restores the position of a random generator. */
export function loadGeneratorState(generator: Generator, state: State): void {
  generator.setState(stateTensor(state, "random").bytes());
}

import {
  extractState,
  type Generator,
  generatorState,
  loadGeneratorState,
  type Module,
  mergeStates,
  prefixState,
  type State,
} from "@disback/torch";

/** Something that a training saves and restores. */
export interface Part {
  state(): State;
  /** @throws CheckpointError if the state does not match */
  loadState(state: State): void;
}

/** Parts by the names under which a checkpoint holds them. */
export type Parts = Readonly<Record<string, Part>>;

/** The weights of a module. */
export function weightsPart(module: Module): Part {
  return {
    state: () => ({ tensors: module.stateDict(), values: {} }),
    loadState: (state) => void module.loadStateDict(state.tensors),
  };
}

/** The position of a stream of random numbers. */
export function randomPart(generator: Generator): Part {
  return {
    state: () => generatorState(generator),
    loadState: (state) => loadGeneratorState(generator, state),
  };
}

/** Something that may have its own state, such as an objective. */
export function optionalPart(part: Partial<Part>): Part {
  return {
    state: () => part.state?.() ?? { tensors: new Map(), values: {} },
    loadState: (state) => part.loadState?.(state),
  };
}

/** The states of all parts as one. @param values plain values to add */
export function statesOf(parts: Parts, values: State["values"]): State {
  const states = Object.entries(parts).map(([name, part]) => prefixState(name, part.state()));
  return mergeStates(...states, { tensors: new Map(), values });
}

/** Gives each part its state back. */
export function loadStates(parts: Parts, state: State): void {
  for (const [name, part] of Object.entries(parts)) part.loadState(extractState(name, state));
}

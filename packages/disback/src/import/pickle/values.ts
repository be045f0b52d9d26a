import type { Limits } from "./limits.js";

/** The possible values of a pickle: plain JavaScript values and inert records. Nothing in them can run. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | PickleTuple
  | Map<PickleValue, PickleValue>
  | Set<PickleValue>
  | PickleRecord;

/** A Python tuple. */
export class PickleTuple {
  constructor(readonly items: readonly PickleValue[]) {}
}

/** Throws an error with the given problem. */
export type Fail = (problem: string) => never;

/** A value that stands for a Python object. */
export abstract class PickleRecord {
  /** description for messages */
  abstract readonly description: string;

  /** Sets the state of the object (`__setstate__`). */
  setState(_state: PickleValue, fail: Fail): void {
    fail(`a state is given to ${this.description}, which has none`);
  }
}

/** An object of a harmless class, or of a refused one; its parts are kept as data. */
export class PickleObject extends PickleRecord {
  state: PickleValue = null;

  constructor(
    readonly type: string,
    readonly args: readonly PickleValue[],
  ) {
    super();
  }

  get description(): string {
    return this.type;
  }

  override setState(state: PickleValue): void {
    this.state = state;
  }
}

/** A function or class that a pickle names. */
export class PickleGlobal extends PickleRecord {
  constructor(
    /** `module.name` */
    readonly name: string,
    readonly known: KnownGlobal,
  ) {
    super();
  }

  get description(): string {
    return this.name;
  }
}

/** The context of functions that make values. */
export interface MakingContext {
  fail: Fail;
  limits: Limits;
  /** place of the pickle, for messages */
  place: string;
}

/** A function or class that pickles may name. */
export interface KnownGlobal {
  /** Makes the value of a call; without it, the name may be mentioned but not called. */
  make?: (args: readonly PickleValue[], context: MakingContext) => PickleValue;
}

/** Finds a function or class by `module.name`; undefined means that it is refused. */
export type GlobalTable = (name: string) => KnownGlobal | undefined;

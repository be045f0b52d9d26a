import type { Fail } from "./fail.js";
import type { Limits } from "./limits.js";

/** What a pickle can hold here: JavaScript's plain values and inert records. Nothing in it can run. */
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

/** A value that stands for a Python object. */
export abstract class PickleRecord {
  /** what it is, for messages */
  abstract readonly description: string;

  /** Takes the state that a pickle gives an object after it was made (`__setstate__`). */
  setState(_state: PickleValue, fail: Fail): void {
    fail(`a state is given to ${this.description}, which has none`);
  }
}

/** An object of a class that is known to be harmless, or of a refused one: its parts are kept as data. */
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

/** What the makers of values may use. */
export interface MakingContext {
  fail: Fail;
  limits: Limits;
  /** where the pickle is, for messages */
  place: string;
}

/** A function or class that pickles may name. */
export interface KnownGlobal {
  /** Makes the value that calling it stands for; without it, the name may be mentioned but not called. */
  make?: (args: readonly PickleValue[], context: MakingContext) => PickleValue;
}

/** Finds a function or class by `module.name`; undefined means that it is refused. */
export type GlobalTable = (name: string) => KnownGlobal | undefined;

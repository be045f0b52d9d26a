import { DisbackError } from "../../errors.js";
import { ByteReader } from "./byte-reader.js";
import { Limits } from "./limits.js";
import { shown } from "./text-values.js";
import { type GlobalTable, PickleGlobal, PickleObject, type PickleValue } from "./values.js";

/** Largest number of refused names in an error; more are counted. */
const namesShown = 8;

/** Options of reading a pickle. */
export interface PickleOptions {
  /** name for error messages: the file, and the part of it */
  name: string;
  /** the functions and classes it may name */
  globals: GlobalTable;
  /** returns the value of a "persistent id"; default: refused */
  persistent?: (id: PickleValue, fail: (problem: string) => never) => PickleValue;
  /** shared with the enclosing pickle; default: from this one's size */
  limits?: Limits;
}

/** What each byte of a pickle does, by its code. */
export type Instructions = readonly (((machine: PickleMachine) => void) | undefined)[];

/** The virtual machine that runs pickles; see `instructions`. */
export class PickleMachine {
  readonly limits: Limits;
  readonly reader: ByteReader;
  readonly memo = new Map<number, PickleValue>();
  private readonly stack: PickleValue[] = [];
  private readonly marks: number[] = [];
  private readonly refused = new Map<string, number>();
  private instruction = 0;

  constructor(
    bytes: Uint8Array,
    private readonly options: PickleOptions,
  ) {
    this.limits = options.limits ?? new Limits(bytes.length);
    this.reader = new ByteReader(bytes, this.limits, this.fail);
  }

  /** Runs to the end. @param instructions by their codes */
  run(instructions: Instructions): { value: PickleValue; end: number } {
    try {
      const value = this.runToEnd(instructions);
      if (this.refused.size > 0) throw this.refusal();
      return { value, end: this.reader.position };
    } catch (error) {
      // An error after a refusal may be its consequence.
      throw this.refused.size > 0 ? this.refusal() : error;
    }
  }

  /** Stops with a message that names pickle and byte. */
  readonly fail = (problem: string): never => {
    throw new DisbackError(
      `${this.options.name}: damaged or hostile pickle, byte ${this.instruction}: ${problem}`,
    );
  };

  push(value: PickleValue): void {
    this.stack.push(value);
    this.limits.stack(this.stack.length, this.fail);
  }

  /** Pushes a fresh list, dict, set, tuple or object. */
  pushContainer(value: PickleValue): void {
    this.limits.container(this.fail);
    this.push(value);
  }

  pop(): PickleValue {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) this.fail("a value is taken where there is none");
    return this.stack.pop()!;
  }

  top(): PickleValue {
    const value = this.pop();
    this.stack.push(value);
    return value;
  }

  mark(): void {
    this.marks.push(this.stack.length);
    this.limits.marks(this.marks.length, this.fail);
  }

  /** Whether nothing was pushed since the last mark. */
  get atMark(): boolean {
    return this.stack.length === this.marks.at(-1);
  }

  popToMark(): PickleValue[] {
    const start = this.marks.pop();
    if (start === undefined) return this.fail("a mark is missing");
    return this.stack.splice(start);
  }

  /**
   * The function or class with this name. A refused one is noted and replaced by data, so that all of them are found.
   */
  lookUp(module: string, name: string): PickleGlobal {
    this.limits.name(module.length + name.length, this.fail);
    const full = `${module}.${name}`;
    const known = this.options.globals(full);
    if (known) return new PickleGlobal(full, known);
    if (this.refused.size < 1000) this.refused.set(full, this.refused.get(full) ?? this.instruction);
    return new PickleGlobal(full, { make: (args) => new PickleObject(full, args) });
  }

  /** The data that a "call" makes. */
  call(callee: PickleValue, args: readonly PickleValue[]): PickleValue {
    if (!(callee instanceof PickleGlobal)) return this.fail("something is called that is not a function");
    const { make } = callee.known;
    if (!make) return this.fail(`${callee.name} is called`);
    return make(args, {
      fail: (problem) => this.fail(`${shown(callee.name)}: ${problem}`),
      limits: this.limits,
      place: `${this.options.name} at byte ${this.instruction}`,
    });
  }

  persistent(id: PickleValue): PickleValue {
    if (!this.options.persistent) return this.fail("it refers to data outside of it");
    return this.options.persistent(id, this.fail);
  }

  private runToEnd(instructions: Instructions): PickleValue {
    for (;;) {
      this.instruction = this.reader.position;
      if (this.instruction >= this.reader.bytes.length)
        this.fail("it ends without its last instruction: cut short");
      const code = this.reader.uint8();
      if (code === STOP) return this.pop();
      const instruction = instructions[code];
      if (!instruction) this.fail(`unknown instruction 0x${code.toString(16).padStart(2, "0")}`);
      else instruction(this);
    }
  }

  private refusal(): DisbackError {
    const names = [...this.refused].slice(0, namesShown).map(([name, at]) => `${shown(name)} (byte ${at})`);
    const more = this.refused.size - names.length;
    return new DisbackError(
      `${this.options.name}: refused, because it names something other than tensors and plain data: ` +
        `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}; nothing was run`,
    );
  }
}

const STOP = ".".charCodeAt(0);

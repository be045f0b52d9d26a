import { inferenceMode } from "./autograd.js";
import { TorchError } from "./errors.js";
import { keep, scope } from "./scope.js";
import { Tensor } from "./tensor.js";

/** One thing drawn in a step. */
interface Draw {
  what: string;
  again: () => Tensor | number;
  /** this step's: a number, or a tensor that stays where it is */
  value: Tensor | number;
}

/** Those of the step that is run now. */
let current: Draws | undefined;

/**
 * Draws; in a step that is to be captured, gives what was drawn before it.
 * @param what says what is drawn
 */
export function drawn<Value extends Tensor | number>(what: () => string, draw: () => Value): Value {
  return current ? (current.take(what(), draw) as Value) : draw();
}

/**
 * The random numbers of a step. Noted when it is first run; before it is run again, they are drawn again from the same
 * generators in the same order, into tensors that stay: the numbers are those the step would draw itself.
 */
export class Draws {
  private draws: Draw[] = [];
  private position = 0;
  private complete = false;

  /** Whether a step was run to its end: what it draws is known. */
  get known(): boolean {
    return this.complete;
  }

  /** The whole numbers that this step has read: the capture depends on them. */
  get numbers(): number[] {
    return this.draws.flatMap(({ value }) => (typeof value === "number" ? value : []));
  }

  /** Runs a step. @throws TorchError if it draws other things than it did first */
  during<T>(step: () => T): T {
    const before = current;
    current = this;
    this.position = 0;
    if (!this.complete) this.dispose();
    try {
      const result = step();
      if (this.position !== this.draws.length) this.differ("fewer");
      this.complete = true;
      return result;
    } finally {
      current = before;
    }
  }

  /** Draws the next step's. */
  redraw(): void {
    inferenceMode(() =>
      scope(() => {
        for (const draw of this.draws) {
          const value = draw.again();
          if (draw.value instanceof Tensor) draw.value.copy_(value as Tensor);
          else draw.value = value;
        }
      }),
    );
  }

  /** @internal */
  take(what: string, again: () => Tensor | number): Tensor | number {
    if (!this.complete) {
      const value = again();
      this.draws.push({ what, again, value: value instanceof Tensor ? keep(value) : value });
    }
    const draw = this.draws[this.position++];
    if (draw?.what !== what) return this.differ(what);
    // Another name for it: what the step does to it, in place or with a graph, does not cling to it.
    return draw.value instanceof Tensor ? draw.value.detach() : draw.value;
  }

  /** Releases the tensors; the next step is the first. */
  dispose(): void {
    for (const { value } of this.draws) if (value instanceof Tensor) value.dispose();
    this.draws = [];
    this.complete = false;
  }

  private differ(what: string): never {
    throw new TorchError(
      `a step that is to be captured draws other random numbers than it did first: ${what}`,
    );
  }
}

import { inferenceMode } from "./autograd.js";
import { TorchError } from "./errors.js";
import { keep, scope } from "./scope.js";
import { Tensor } from "./tensor.js";

/** One draw of a step. */
interface Draw {
  what: string;
  again: () => Tensor | number;
  /** the current value: a number, or a fixed tensor */
  value: Tensor | number;
}

/** The draws of the current step. */
let current: Draws | undefined;

/**
 * Draws; in a step to capture, returns what was drawn before it. @param what describes the draw @param standard whether
 * from the default generator
 */
export function drawn<Value extends Tensor | number>(
  what: () => string,
  draw: () => Value,
  standard: boolean,
): Value {
  return current ? (current.take(what(), draw, standard) as Value) : draw();
}

/**
 * The random numbers of a step. The first run records its draws. Before each later run, they are drawn again from the
 * same generators in the same order, into fixed tensors. So the numbers are those that the step would draw itself.
 */
export class Draws {
  private draws: Draw[] = [];
  private position = 0;
  private complete = false;
  /** Whether some come from the default generator, from which dropout draws inside a step. */
  standard = false;

  /** Whether a step has run to its end, so that its draws are known. */
  get known(): boolean {
    return this.complete;
  }

  /** The whole numbers that this step has read. The capture depends on them. */
  get numbers(): number[] {
    return this.draws.flatMap(({ value }) => (typeof value === "number" ? value : []));
  }

  /** Runs a step. @throws TorchError if its draws differ from those of the first run */
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

  /** Draws for the next step. */
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
  take(what: string, again: () => Tensor | number, standard: boolean): Tensor | number {
    this.standard ||= standard;
    if (!this.complete) {
      const value = again();
      this.draws.push({ what, again, value: value instanceof Tensor ? keep(value) : value });
    }
    const draw = this.draws[this.position++];
    if (draw?.what !== what) return this.differ(what);
    // An alias, so that in-place changes and graphs of the step do not affect it.
    return draw.value instanceof Tensor ? draw.value.detach() : draw.value;
  }

  /** Releases the tensors; the next step counts as the first. */
  dispose(): void {
    for (const { value } of this.draws) if (value instanceof Tensor) value.dispose();
    this.draws = [];
    this.complete = false;
  }

  private differ(what: string): never {
    throw new TorchError(
      `a step to capture draws other random numbers than in its first run: ${what}; run such steps without a capture`,
    );
  }
}

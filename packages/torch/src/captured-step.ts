import { type NativeGraph, native } from "./binding.js";
import { Draws } from "./draws.js";
import type { Device } from "./dtype.js";
import { TorchError } from "./errors.js";
import { keep, scope } from "./scope.js";
import { Tensor } from "./tensor.js";

/** Runs before a step is captured: what is made once is there then, and libtorch has chosen its kernels. */
const WARM_UP = 2;

type Figures<Names extends string> = Record<Names, Tensor | number>;

/**
 * A training step that is captured and replayed without JavaScript: on a GPU as a graph, one launch for all its kernels
 * (libtorch 2.13 or later). The first runs are plain ones, then it is captured, from then on replayed. Every run does
 * what the plain step does:
 *
 * - random numbers of `randn`, `rand`, `randint` and `drawInteger` are drawn before it, into tensors that stay; dropout
 *   draws inside, from the device's default generator, which may be seeded before each step;
 * - tensors from outside are seen where they were when it was captured: they are changed in place;
 * - numbers of JavaScript's are what they were when it was captured: see `run`.
 *
 * While it is captured, whatever would wait for the device or not be done again is an error that says what it is:
 * reading values, operators that do (`nonzero`, masks as indices), copies from other devices, tensors made of numbers,
 * generators' states. On the CPU captures obey the same rules and keep every result they have: they are for tests.
 */
export class CapturedStep<Names extends string> {
  private readonly draws = new Draws();
  private readonly captures = new Map<string, Capture<Names>>();
  private circumstances: readonly unknown[] = [];
  private running = false;

  /** @throws OperatorError if the device, or this libtorch, has no graphs */
  constructor(private readonly device: Device) {
    native.releaseGraph(native.createGraph(device));
  }

  /**
   * @param circumstances what the step depends on beside the values of tensors: when one of them is another, it is
   *   captured anew
   * @param step the same function each time, as far as can be told from what it does
   * @returns figures of this run: tensors which the next one changes
   */
  run(circumstances: readonly unknown[], step: () => Figures<Names>): Figures<Names> {
    this.requireRest();
    if (circumstances.some((value, index) => value !== this.circumstances[index])) this.forget();
    this.circumstances = circumstances;
    if (this.draws.known) this.draws.redraw();
    const key = this.draws.numbers.join();
    const capture = this.captures.get(key) ?? new Capture(this.device);
    this.captures.set(key, capture);
    this.running = true;
    try {
      return capture.run(() => this.draws.during(step));
    } finally {
      this.running = false;
    }
  }

  /** Releases the captures: the next run is a plain one. @throws TorchError inside the step itself */
  forget(): void {
    this.requireRest();
    for (const capture of this.captures.values()) capture.dispose();
    this.captures.clear();
  }

  /** @throws TorchError inside the step itself */
  dispose(): void {
    this.forget();
    this.draws.dispose();
  }

  private requireRest(): void {
    if (this.running) throw new TorchError("a captured step cannot be run or released by itself");
  }
}

class Capture<Names extends string> {
  private readonly graph: NativeGraph;
  private plainRuns = 0;
  private figures: Figures<Names> | undefined;

  constructor(device: Device) {
    this.graph = native.createGraph(device);
  }

  run(step: () => Figures<Names>): Figures<Names> {
    if (this.figures) {
      native.replayGraph(this.graph);
      return this.figures;
    }
    let figures: Figures<Names> | undefined;
    if (this.plainRuns < WARM_UP) {
      native.warmUpGraph(this.graph, () => {
        figures = step();
      });
      this.plainRuns++;
      return figures!;
    }
    native.captureGraph(this.graph, () => {
      figures = scope(() => lasting(step()));
    });
    this.figures = figures!;
    return this.figures;
  }

  dispose(): void {
    native.releaseGraph(this.graph);
    for (const figure of Object.values<Tensor | number>(this.figures ?? {}))
      if (figure instanceof Tensor) figure.dispose();
  }
}

/** The figures without their graphs, for longer than the step. */
function lasting<Names extends string>(figures: Figures<Names>): Figures<Names> {
  const entries = Object.entries<Tensor | number>(figures).map(([name, figure]) => [
    name,
    figure instanceof Tensor ? keep(figure.detach()) : figure,
  ]);
  return Object.fromEntries(entries) as Figures<Names>;
}

import { type NativeGraph, native } from "./binding.js";
import { Draws } from "./draws.js";
import type { Device } from "./dtype.js";
import { TorchError } from "./errors.js";
import { keep, scope } from "./scope.js";
import { Tensor } from "./tensor.js";

/** Number of plain runs before a capture, which make one-time tensors and let libtorch choose its kernels. */
const WARM_UP = 2;

type Figures<Names extends string> = Record<Names, Tensor | number>;

/**
 * A training step that is captured and replayed without JavaScript: on a GPU as a graph, one launch for all its kernels
 * (libtorch 2.13 or later). The first runs are plain. Then the step is captured, and later runs replay it. Every run
 * does what the plain step does:
 *
 * - random numbers of `randn`, `rand`, `randint` and `drawInteger` are drawn before it, into fixed tensors; dropout
 *   draws inside, from the device's default generator, which may be seeded before each step;
 * - tensors from outside are used at the memory they had at capture, so change them in place;
 * - JavaScript's numbers keep their values from the capture: see `run`.
 *
 * During the capture, everything that waits for the device or would not be replayed is an error that names it: reading
 * values, operators that read values (`nonzero`, masks as indices), copies from other devices, tensors made of numbers,
 * generators' states. On the CPU, captures obey the same rules and keep every result; they are for tests.
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
   * @param circumstances what the step depends on besides the values of tensors; if one of them changes, the step is
   *   captured again @param step must do the same each time @returns figures of this run: tensors that the next run
   *   changes
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

  /** Releases the captures; the next run is plain. @throws TorchError inside the step itself */
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

/** The figures without their graphs, to outlive the step. */
function lasting<Names extends string>(figures: Figures<Names>): Figures<Names> {
  const entries = Object.entries<Tensor | number>(figures).map(([name, figure]) => [
    name,
    figure instanceof Tensor ? keep(figure.detach()) : figure,
  ]);
  return Object.fromEntries(entries) as Figures<Names>;
}

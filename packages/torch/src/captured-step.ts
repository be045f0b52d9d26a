import { type NativeGraph, native } from "./binding.js";
import { Draws } from "./draws.js";
import type { Device } from "./dtype.js";
import { TorchError } from "./errors.js";
import { keep, scope } from "./scope.js";
import { Tensor } from "./tensor.js";

/** Number of plain runs before a capture, which make one-time tensors and let libtorch choose its kernels. */
const WARM_UP = 2;
/** Number of captures until the calls must be those of the run before. */
const ATTEMPTS = 3;

export interface CapturedStepOptions {
  /**
   * whether a step that cannot be captured is an error, default true; otherwise its runs stay plain, and `obstacle` says
   * why
   */
  required?: boolean;
}

type Figures<Names extends string> = Record<Names, Tensor | number>;

/**
 * A training step that is captured and replayed without JavaScript and autograd: on a GPU as a graph, one launch for all
 * its kernels (libtorch 2.13 or later), on the CPU as a list of operators' calls. The first runs are plain. Then the
 * step is captured, and later runs replay it. Every run does what the plain step does, bit for bit:
 *
 * - random numbers of `randn`, `rand`, `randint` and `drawInteger` are drawn before it, into fixed tensors; dropout
 *   draws inside, from the device's default generator, which may be seeded before each step;
 * - tensors from outside are used at the memory they had at capture, so change them in place;
 * - JavaScript's numbers keep their values from the capture: see `run`.
 *
 * During the capture, everything that waits for the device or would not be replayed is an error that names it: reading
 * values, operators that read values (`nonzero`, masks as indices), copies from other devices, tensors made of numbers,
 * generators' states. A step whose calls or numbers differ from run to run is not captured either.
 */
export class CapturedStep<Names extends string> {
  private readonly draws = new Draws();
  private readonly captures = new Map<string, Capture<Names>>();
  private circumstances: readonly unknown[] = [];
  private running = false;
  private readonly required: boolean;
  private found: string | undefined;

  /** @throws OperatorError if the device, or this libtorch, has no graphs */
  constructor(
    private readonly device: Device,
    { required = true }: CapturedStepOptions = {},
  ) {
    this.required = required;
    native.releaseGraph(native.createGraph(device));
  }

  /** Why the step cannot be captured, such as "read values back (aten::item)"; undefined as long as it can. */
  get obstacle(): string | undefined {
    return this.found;
  }

  /**
   * @param circumstances what the step depends on besides the values of tensors; if one of them changes, the step is
   *   captured again @param step must do the same each time @returns figures of this run: tensors that the next run
   *   changes
   */
  run(circumstances: readonly unknown[], step: () => Figures<Names>): Figures<Names> {
    this.requireRest();
    if (this.found !== undefined) return step();
    // Other circumstances may also mean other draws.
    if (circumstances.some((value, index) => value !== this.circumstances[index])) this.dispose();
    this.circumstances = circumstances;
    if (this.draws.known) this.draws.redraw();
    const key = this.draws.numbers.join();
    const capture = this.captures.get(key) ?? new Capture(this.device, this.required);
    this.captures.set(key, capture);
    this.running = true;
    try {
      return capture.run(() => this.draws.during(step), this.draws);
    } finally {
      this.running = false;
      this.found = capture.obstacle;
      if (this.found !== undefined) this.dispose();
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
  /** why there cannot be a capture */
  obstacle: string | undefined;
  private graph: NativeGraph;
  private runs = 0;
  private calls = "";
  private figures: Figures<Names> | undefined;

  constructor(
    private readonly device: Device,
    private readonly required: boolean,
  ) {
    this.graph = native.createGraph(device);
  }

  run(step: () => Figures<Names>, draws: Draws): Figures<Names> {
    if (this.figures) {
      native.replayGraph(this.graph);
      return this.figures;
    }
    const figures = this.runs < WARM_UP ? this.warmUp(step, draws) : this.capture(step);
    this.runs++;
    return figures;
  }

  dispose(): void {
    native.releaseGraph(this.graph);
    for (const figure of Object.values<Tensor | number>(this.figures ?? {}))
      if (figure instanceof Tensor) figure.dispose();
  }

  private warmUp(step: () => Figures<Names>, draws: Draws): Figures<Names> {
    let figures: Figures<Names> | undefined;
    const seen = native.warmUpGraph(this.graph, () => {
      figures = step();
    });
    this.calls = seen.signature;
    // The first run may make what all use. If a capture is required, it is the one to fail, and to name the place.
    if (this.runs < WARM_UP - 1 || this.required) return figures!;
    if (seen.obstacle !== "") this.obstacle = seen.obstacle;
    else if (seen.draws && draws.standard)
      this.obstacle = "draw dropout and other numbers in turn from the default generator";
    return figures!;
  }

  private capture(step: () => Figures<Names>): Figures<Names> {
    let figures: Figures<Names> | undefined;
    const body = () => {
      figures = scope(() => lasting(step()));
    };
    const seen = native.captureGraph(this.graph, body, this.required);
    if (seen.obstacle === "" && seen.signature === this.calls) {
      this.figures = figures!;
      return this.figures;
    }
    // What was captured is not what the next run would do.
    this.calls = seen.signature;
    native.releaseGraph(this.graph);
    this.graph = native.createGraph(this.device);
    if (this.runs === WARM_UP + ATTEMPTS - 1) {
      this.obstacle = seen.obstacle || "make other calls, or with other numbers, in each run";
      if (this.required) throw new TorchError(`a step that is being captured cannot ${this.obstacle}`);
    }
    return figures!;
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

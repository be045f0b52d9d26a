import { type State, stateNumber, stateTensor, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { defaults } from "./defaults.js";
import { requireNodeSteps } from "./node-schedule.js";
import type { Trajectory } from "./trajectory.js";

/** What a selection sees after a step of the recording. */
export interface RecordingView {
  /** steps done */
  step: number;
  trajectory: Trajectory;
  /** outputs of the degraded model on the probes; computed on first use */
  outline(): Tensor;
  /** distance between two outlines, see `Outline` */
  between(a: Tensor, b: Tensor): number;
}

/** Decides which points of the path become nodes, and when the path ends. */
export interface NodeSelection {
  /** Called once with the teacher's outline. */
  begin(teacher: Tensor): void;
  /** Whether this step becomes a node. May drop earlier nodes. */
  keep(view: RecordingView): boolean;
  /** Whether the path ends before the last step. A node is saved there. */
  settled(view: RecordingView): boolean;
  state(): State;
  loadState(state: State): void;
}

/** The paper's rule: nodes after given steps, and the recording runs its full length. */
export class StepNodes implements NodeSelection {
  private readonly steps: ReadonlySet<number>;

  /**
   * @param steps ascending, see `evenSteps`
   * @param last last step of the recording
   * @throws DisbackError unless they are ascending whole numbers from 1 to `last`
   */
  constructor(steps: readonly number[], last: number) {
    requireNodeSteps(steps, last);
    this.steps = new Set(steps);
  }

  begin(): void {}

  keep({ step }: RecordingView): boolean {
    return this.steps.has(step);
  }

  settled(): boolean {
    return false;
  }

  state(): State {
    return { tensors: new Map(), values: {} };
  }

  loadState(): void {}
}

export interface EvenDistanceOptions {
  /** largest number of nodes besides the end of the path, even (half of them are dropped at a time); default 6 */
  maximum?: number;
  /** the path has ended when the last half of its steps covered less than this fraction of its length; default 0.15 */
  settledShare?: number;
}

/**
 * Nodes evenly spaced in distance along a path of any length, in one pass and with bounded storage. A node is saved
 * when the model has moved by the spacing since the last one. When there are too many, every second one is dropped and
 * the spacing is doubled. The model moves most in the first steps, so these are measured more often. Our own.
 */
export class EvenDistance implements NodeSelection {
  private readonly maximum: number;
  private readonly settledShare: number;
  private spacing = 0;
  private nextLook = 1;
  private markStep = 4;
  private teacher: Tensor | undefined;
  private last: Tensor | undefined;
  private mark: Tensor | undefined;

  /** @throws DisbackError naming the option that is out of its range */
  constructor({ maximum = defaults.recording.maximumNodes, settledShare = 0.15 }: EvenDistanceOptions = {}) {
    if (maximum % 2 !== 0 || maximum < 2)
      throw new DisbackError(`recording: "maximumNodes" must be an even number from 2, not ${maximum}`);
    this.maximum = maximum;
    this.settledShare = settledShare;
  }

  begin(teacher: Tensor): void {
    this.teacher = teacher;
    this.last = teacher;
    this.mark = teacher;
  }

  keep(view: RecordingView): boolean {
    if (view.step < this.nextLook) return false;
    // Measures every step at first, later after every tenth more steps: the path slows down.
    this.nextLook = view.step + Math.max(1, Math.floor(view.step / 10));
    const moved = view.between(this.last!, view.outline());
    if (moved < this.spacing || moved === 0) return false;
    // The length of the first step is the initial spacing.
    if (this.spacing === 0) this.spacing = moved;
    if (view.trajectory.nodes.length >= this.maximum) {
      view.trajectory.thin();
      this.spacing *= 2;
      if (moved < this.spacing) return false;
    }
    this.last = view.outline();
    return true;
  }

  settled(view: RecordingView): boolean {
    if (view.step < 2 * this.markStep) return false;
    const now = view.outline();
    const recent = view.between(this.mark!, now);
    const whole = view.between(this.teacher!, now);
    this.mark = now;
    this.markStep = view.step;
    return recent < this.settledShare * whole;
  }

  state(): State {
    const { spacing, nextLook, markStep } = this;
    const tensors = new Map([
      ["teacher", this.teacher!],
      ["last", this.last!],
      ["mark", this.mark!],
    ]);
    return { tensors, values: { spacing, nextLook, markStep } };
  }

  loadState(state: State): void {
    [this.teacher, this.last, this.mark] = ["teacher", "last", "mark"].map((key) => stateTensor(state, key));
    this.spacing = stateNumber(state, "spacing");
    this.nextLook = stateNumber(state, "nextLook");
    this.markStep = stateNumber(state, "markStep");
  }
}

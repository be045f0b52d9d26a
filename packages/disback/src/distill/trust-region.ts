import {
  type Module,
  noGrad,
  type State,
  scope,
  stateNumber,
  stateTensor,
  type Tensor,
} from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { NodeSelection, RecordingView } from "./node-selection.js";

/** A node lies at most one spacing from the one before, and at least this share of it. */
const tolerance = 0.9;

/**
 * Nodes at a given resolution: the way from the teacher to the student's samples in `count` pieces of equal length. Adam's
 * first steps are as long as a third of the way, so a step that would go further than one piece is shortened
 * (`shortenStep`) to end there. The length of the way is measured first, by a trial that is thrown away. Our own; the
 * name is that of optimisation, where steps are bounded by what the model is trusted for.
 *
 * A path that bends has a few nodes more than `count`. It ends where it is as far from the teacher as the trial was.
 */
export class TrustRegion implements NodeSelection {
  private way = 0;
  private teacher: Tensor | undefined;
  private last: Tensor | undefined;

  /** @throws DisbackError unless `count` is a whole number from 2 */
  constructor(readonly count: number) {
    if (!Number.isInteger(count) || count < 2)
      throw new DisbackError(`recording: "nodes" must be a whole number from 2, not ${count}`);
  }

  /** Whether the length of the way is known. */
  get measured(): boolean {
    return this.way > 0;
  }

  /** Distance between two neighbouring nodes. */
  get spacing(): number {
    return this.way / this.count;
  }

  /** @param way distance of the trial's end from the teacher, > 0 */
  measure(way: number): void {
    this.way = way;
  }

  begin(teacher: Tensor): void {
    this.teacher = teacher;
    this.last = teacher;
  }

  keep(view: RecordingView): boolean {
    if (view.between(this.last!, view.outline()) < tolerance * this.spacing) return false;
    this.last = view.outline();
    return true;
  }

  settled(view: RecordingView): boolean {
    return view.between(this.teacher!, view.outline()) >= this.way - this.spacing / 2;
  }

  state(): State {
    const tensors = new Map([
      ["teacher", this.teacher!],
      ["last", this.last!],
    ]);
    return { tensors, values: { way: this.way } };
  }

  loadState(state: State): void {
    [this.teacher, this.last] = ["teacher", "last"].map((key) => stateTensor(state, key));
    this.way = stateNumber(state, "way");
  }
}

export interface ShortenStepOptions {
  /** the weights before the step, in the order of `model.parameters()` */
  before: readonly Tensor[];
  /** largest distance */
  limit: number;
  /** distance of the model, with the weights it has now, from where the limit counts from */
  distance: () => number;
  /** called when the weights have been changed */
  afterChange?: () => void;
}

/**
 * Shortens a model's step along its line until it ends within the limit: `theta <- before + f (theta - before)`. `f` is found
 * by the secant rule and bisection, to within a tenth of the limit; a step within the limit stays as it is.
 * @returns `f`, in (0, 1]
 */
export function shortenStep(
  model: Module,
  { before, limit, distance, afterChange }: ShortenStepOptions,
): number {
  const whole = distance();
  if (whole <= limit) return 1;
  const weights = model.parameters();
  return noGrad(() =>
    scope(() => {
      const after = weights.map((weight) => weight.clone());
      const move = (share: number) => {
        for (const [k, weight] of weights.entries()) weight.copy_(before[k]!.lerp(after[k]!, share));
        afterChange?.();
        return distance();
      };
      let [low, high, share] = [0, 1, limit / whole];
      for (let tries = 0; tries < 12; tries++) {
        const moved = move(share);
        if (moved <= limit && moved >= tolerance * limit) return share;
        if (moved > limit) high = share;
        else low = share;
        // Aims a little below the limit; bisects if the distance does not grow in proportion.
        const secant = (share * 0.95 * limit) / moved;
        share = secant > low && secant < high ? secant : (low + high) / 2;
      }
      move(low);
      return low;
    }),
  );
}

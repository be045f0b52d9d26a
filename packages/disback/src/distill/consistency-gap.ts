import { type State, stateNumber, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";

/** Options of `ConsistencyGap`; defaults are those of the released code. */
export interface ConsistencyGapOptions {
  /** q: each stage divides the gap by it, default 2 */
  base?: number | undefined;
  /** student steps of a stage, default 250 */
  stageSteps?: number | undefined;
  /** number of stages, default 8: the last gap is about `sigma / base^8` */
  stages?: number | undefined;
}

/** k and b of the mapping. */
const STRETCH = 8;
const STEEPNESS = 1;

/**
 * The second noise level of a consistency loss (Geng et al. 2024, eq. 13): for sigma it is
 *
 *     r = max(0, sigma (1 - n(sigma) / q^(stage + 1))),   n(sigma) = 1 + 8 / (1 + exp(sigma)).
 *
 * In the first stage `r` is mostly 0, so the loss is a denoising loss; from stage to stage the two levels come closer, and
 * the loss becomes one of consistency.
 */
export class ConsistencyGap {
  private readonly base: number;
  private readonly stageSteps: number;
  private readonly stages: number;
  private done = 0;

  /** @param who name of the objective, for messages @throws DisbackError naming the option that is out of its range */
  constructor(who: string, { base = 2, stageSteps = 250, stages = 8 }: ConsistencyGapOptions) {
    if (!(base > 1 && Number.isFinite(base)))
      throw new DisbackError(`${who}: "base" must be greater than 1, not ${base}`);
    for (const [name, value] of Object.entries({ stageSteps, stages })) {
      if (!Number.isInteger(value) || value < 1)
        throw new DisbackError(`${who}: "${name}" must be a whole number from 1, not ${value}`);
    }
    this.base = base;
    this.stageSteps = stageSteps;
    this.stages = stages;
  }

  /** Steps counted so far. */
  get steps(): number {
    return this.done;
  }

  /** Stage of the next step, from 0. */
  get stage(): number {
    return Math.min(Math.floor(this.done / this.stageSteps), this.stages - 1);
  }

  /** The level nearer to the data, `[N]`, at least 0. @param stage default the current one */
  below(sigma: Tensor, stage = this.stage): Tensor {
    const share = sigma
      .neg()
      .mul(STEEPNESS)
      .sigmoid()
      .mul(STRETCH)
      .add(1)
      .div(this.base ** (stage + 1));
    return share.neg().add(1).mul(sigma).clamp(0);
  }

  /** The same in the last stage. */
  finallyBelow(sigma: Tensor): Tensor {
    return this.below(sigma, this.stages - 1);
  }

  /** Counts a step. */
  advance(): void {
    this.done++;
  }

  state(): State {
    return { tensors: new Map(), values: { steps: this.done } };
  }

  loadState(state: State): void {
    this.done = stateNumber(state, "steps");
  }
}

import {
  EMA,
  extractState,
  mergeStates,
  ops,
  prefixState,
  randn,
  type State,
  type Tensor,
} from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { Condition } from "../../models/condition.js";
import type { DenoiserModule } from "../../models/denoiser.js";
import { requireCounts } from "../../training/execution.js";
import type { DenoiserStudent } from "../denoiser-student.js";
import { perSample } from "../denoising-loss.js";
import type { DirectInput, DirectObjective } from "../direct-objective.js";
import { requireWeight } from "../discriminator.js";
import { LogHeavyTail, type NoiseDistribution } from "../noise-distribution.js";
import { consistencyDistances, Ect, type EctOptions, neighbours } from "./ect.js";

export interface TcmOptions extends EctOptions {
  /** steps of the first stage, default 1000 */
  firstSteps?: number | undefined;
  /** noise level t' from which the second stage trains, default 1 as in the paper */
  transition?: number | undefined;
  /** share of a batch at the transition itself, default 0.25 as in the released code */
  boundaryShare?: number | undefined;
  /** weight of its loss, default 0.1 as in the paper */
  boundaryWeight?: number | undefined;
  /** noise levels of the second stage; default near the transition, with a heavy tail up to 80 */
  truncatedNoise?: NoiseDistribution;
}

/** Width of the average that the first stage leaves behind, relative to its length so far (Karras et al. 2024). */
const WIDTH = 0.1;

/**
 * Truncated consistency models (Lee et al. 2024, eq. 10 to 12). The first stage is easy consistency tuning at all levels.
 * Then the student's average `f0` is kept, and the student is trained above t' alone, so that its weights serve to
 * generate and not to denoise:
 *
 *     L = boundaryWeight d(f(x; t'), f0(x'; r)) / (t' - r) + d(f(x; sigma), f*(x'; r)) / (sigma - r),
 *     f* = f- if r >= t', else f0,
 *
 * with `x = x0 + sigma n`, `x' = x0 + r n` and the first stage's last `r`; `f-` is the student as a constant. The first
 * term ties the student to `f0` at t'. The student makes samples in one step, or in several at levels from t' up.
 */
export class Tcm extends Ect {
  private readonly firstSteps: number;
  private readonly transition: number;
  private readonly boundaryShare: number;
  private readonly boundaryWeight: number;
  private readonly truncatedNoise: NoiseDistribution;
  private average: EMA<DenoiserModule> | undefined;

  /** @throws DisbackError naming the option that is out of its range */
  constructor(options: TcmOptions = {}) {
    super(options, "tcm");
    const { firstSteps = 1000, transition = 1, boundaryShare = 0.25, boundaryWeight = 0.1 } = options;
    requireCounts("tcm", { firstSteps });
    if (!(transition > 0 && transition < 80))
      throw new DisbackError(`tcm: "transition" must be between 0 and 80, not ${transition}`);
    if (!(boundaryShare > 0 && boundaryShare < 1))
      throw new DisbackError(`tcm: "boundaryShare" must be between 0 and 1, not ${boundaryShare}`);
    this.firstSteps = firstSteps;
    this.transition = transition;
    this.boundaryShare = boundaryShare;
    this.boundaryWeight = requireWeight("tcm", "boundaryWeight", boundaryWeight);
    this.truncatedNoise = options.truncatedNoise ?? new LogHeavyTail(transition, 80);
  }

  /** Whether the second stage has begun. */
  get truncated(): boolean {
    return this.gap.steps >= this.firstSteps;
  }

  override get phase(): unknown {
    return this.truncated ? "truncated" : super.phase;
  }

  override prepare(setting: Parameters<NonNullable<DirectObjective["prepare"]>>[0]): void {
    super.prepare(setting);
    this.average = new EMA(setting.student.module, { width: WIDTH });
  }

  override loss(input: DirectInput): Tensor {
    if (!this.truncated) return super.loss(input);
    const { student, count, random } = input;
    const { samples, condition } = this.data!.draw(count, random);
    const drawn = this.truncatedNoise.sample(count, random, samples.device);
    const noise = randn(samples.shape, { generator: random, device: samples.device });
    // The first rows are at the transition; a batch of one row has none.
    const atBoundary = Math.min(Math.max(1, Math.floor(count * this.boundaryShare)), count - 1);
    const sigma = drawn.clone();
    sigma.narrow(0, 0, atBoundary).fill_(this.transition);
    const below = this.gap.finallyBelow(sigma);
    const { estimate, wanted } = neighbours(
      student,
      { samples, noise, sigma, below, condition },
      (x, level) => this.teach(student, x, level, condition),
    );
    const losses = consistencyDistances(estimate, wanted, this.huber).div(sigma.sub(below));
    const consistency = losses.narrow(0, atBoundary, count - atBoundary).mean();
    if (atBoundary === 0) return consistency;
    return losses.narrow(0, 0, atBoundary).mean().mul(this.boundaryWeight).add(consistency);
  }

  override afterStep(): void {
    if (!this.truncated) this.average!.update();
    super.afterStep();
  }

  override state(): State {
    return mergeStates(super.state(), prefixState("first", this.average!.state()));
  }

  override loadState(state: State): void {
    super.loadState(state);
    this.average!.loadState(extractState("first", state));
  }

  override dispose(): void {
    super.dispose();
    this.average?.dispose();
  }

  /** `f*`: the student at levels it trains at, the first stage's average below. */
  private teach(
    student: DenoiserStudent,
    x: Tensor,
    level: Tensor,
    condition: Condition | undefined,
  ): Tensor {
    const trained = perSample(level.ge(this.transition), x.ndim);
    const own = student.module.denoise(x, level, condition);
    return ops.where(trained, own, this.average!.module.denoise(x, level, condition));
  }
}

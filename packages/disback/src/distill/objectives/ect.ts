import { noGrad, ops, randn, type State, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { Condition } from "../../models/condition.js";
import { withSameDropout } from "../../training/dropout.js";
import { CleanSamples, type CleanSamplesOptions } from "../clean-samples.js";
import { ConsistencyGap, type ConsistencyGapOptions } from "../consistency-gap.js";
import type { DenoiserStudent } from "../denoiser-student.js";
import { perSample } from "../denoising-loss.js";
import type { DirectInput, DirectObjective } from "../direct-objective.js";
import { LogNormal, type NoiseDistribution } from "../noise-distribution.js";

export interface EctOptions extends CleanSamplesOptions, ConsistencyGapOptions {
  /** noise levels, default `ln sigma ~ N(-1.1, 2^2)` as in the released code */
  noise?: NoiseDistribution;
  /** constant c of the pseudo-Huber distance, default 1e-8: nearly the Euclidean distance, as in the released code */
  huber?: number;
}

/**
 * Easy consistency tuning (Geng et al. 2024, algorithm 1): a student that starts as a diffusion model is tuned into a
 * consistency model on clean samples, without the teacher,
 *
 *     x = x0 + sigma n,   x' = x0 + r n,
 *     L = E (sqrt(|f(x; sigma) - f-(x'; r)|^2 + c^2) - c) / (sigma - r),
 *
 * with the same noise and dropout in both. `f-` is the student itself as a constant; where `r` is 0 it is `x0`. `r` is
 * drawn near to sigma in stages, see `ConsistencyGap`. The student makes samples in any number of steps.
 */
export class Ect implements DirectObjective {
  protected readonly huber: number;
  protected readonly gap: ConsistencyGap;
  protected data: CleanSamples | undefined;
  private readonly options: EctOptions;
  private readonly noise: NoiseDistribution;

  /** @param name in messages @throws DisbackError naming the option that is out of its range */
  constructor(
    options: EctOptions = {},
    readonly name: string = "ect",
  ) {
    const { huber = 1e-8 } = options;
    if (!(huber > 0 && Number.isFinite(huber)))
      throw new DisbackError(`${name}: "huber" must be greater than 0, not ${huber}`);
    this.huber = huber;
    this.options = options;
    this.noise = options.noise ?? new LogNormal(-1.1, 2);
    this.gap = new ConsistencyGap(name, options);
  }

  get phase(): unknown {
    return this.gap.stage;
  }

  /** @throws DisbackError if the data do not match the student's samples */
  prepare(setting: Parameters<NonNullable<DirectObjective["prepare"]>>[0]): void {
    this.data = new CleanSamples(this.options, setting, this.name);
  }

  loss({ student, count, random }: DirectInput): Tensor {
    const { samples, condition } = this.data!.draw(count, random);
    const sigma = this.noise.sample(count, random, samples.device);
    const noise = randn(samples.shape, { generator: random, device: samples.device });
    const below = this.gap.below(sigma);
    const { estimate, wanted } = neighbours(student, { samples, noise, sigma, below, condition });
    return consistencyDistances(estimate, wanted, this.huber).div(sigma.sub(below)).mean();
  }

  afterStep(): void {
    this.gap.advance();
  }

  state(): State {
    return this.gap.state();
  }

  loadState(state: State): void {
    this.gap.loadState(state);
  }

  dispose(): void {
    this.data?.dispose();
  }
}

/** Two levels of the same noised samples. */
export interface Neighbours {
  samples: Tensor;
  noise: Tensor;
  /** `[N]` */
  sigma: Tensor;
  /** the level nearer to the data, `[N]`; 0 for the samples themselves */
  below: Tensor;
  condition: Condition | undefined;
}

/**
 * The student's estimate at the higher level, with a graph, and the estimate it shall agree with at the lower one.
 * @param teach gives the constant estimate at the lower level, default the student's own
 */
export function neighbours(
  student: DenoiserStudent,
  { samples, noise, sigma, below, condition }: Neighbours,
  teach = (x: Tensor, level: Tensor) => student.module.denoise(x, level, condition),
): { estimate: Tensor; wanted: Tensor } {
  const { ndim, device } = samples;
  const at = (level: Tensor) => samples.add(noise.mul(perSample(level, ndim)));
  const [estimate, lower] = withSameDropout(
    student.module,
    device,
    () => student.module.denoise(at(sigma), sigma, condition),
    // A denoiser takes no level of 0.
    () => noGrad(() => teach(at(below), below.clamp(1e-4))),
  );
  return { estimate, wanted: ops.where(perSample(below.gt(0), ndim), lower, samples) };
}

/** Pseudo-Huber distances of each row, `[N]`. */
export function consistencyDistances(estimate: Tensor, wanted: Tensor, huber: number): Tensor {
  const squares = estimate.sub(wanted).square().reshape([estimate.shape[0]!, -1]).sum(1);
  return squares
    .add(huber ** 2)
    .sqrt()
    .sub(huber);
}

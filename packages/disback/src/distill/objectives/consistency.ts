import { EMA, noGrad, ops, randint, randn, type State, type Tensor, tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { Condition } from "../../models/condition.js";
import type { Denoiser, DenoiserModule } from "../../models/denoiser.js";
import { sigmaSchedule } from "../../models/samplers.js";
import { CleanSamples, type CleanSamplesOptions } from "../clean-samples.js";
import { perSample } from "../denoising-loss.js";
import type { DirectInput, DirectObjective } from "../direct-objective.js";
import { meanDistance, type SampleDistance } from "../sample-distance.js";

export interface ConsistencyOptions extends CleanSamplesOptions {
  /** noise levels of the grid, at least 2, default 18 as in the paper's CIFAR-10 runs */
  levels?: number;
  /** decay mu of the target network per step, in [0, 1), default 0.95 as in the paper's ImageNet runs */
  targetDecay?: number;
  /** the distance to minimise, default "pseudo-huber" */
  distance?: SampleDistance;
}

/**
 * Consistency distillation (Song et al. 2023, eq. 7 and algorithm 2): neighbouring points on a trajectory of the
 * teacher must map to the same end,
 *
 *     x = x0 + sigma_(n+1) n,   x^ = Heun's step of the teacher from (x; sigma_(n+1)) to sigma_n,
 *     L = E d(f(x; sigma_(n+1)), f-(x^; sigma_n)),   n uniform on the sampler's grid up to `sigmaInit`,
 *
 * where `f` is the student's network and `f-` a running average of it, `mu f- + (1 - mu) f`, taken as a constant. A
 * sample takes one evaluation at the top of the grid, which must be nearly pure noise: `sigmaInit` 80.
 *
 * The paper's networks are the identity at the lowest level by construction, EDM's at level 0: there the target is `x^`
 * itself. Distances: squares in the paper (beside LPIPS), pseudo-Huber after Song and Dhariwal 2023.
 */
export class Consistency implements DirectObjective {
  readonly name = "consistency";
  private readonly options: ConsistencyOptions;
  private readonly targetDecay: number;
  private data: CleanSamples | undefined;
  private target: EMA<DenoiserModule> | undefined;
  /** the grid from high to low, `[levels]` */
  private grid: Tensor | undefined;

  /** @throws DisbackError naming the option that is out of its range */
  constructor(options: ConsistencyOptions = {}) {
    const { levels = 18, targetDecay = 0.95 } = options;
    if (!Number.isInteger(levels) || levels < 2)
      throw new DisbackError(`consistency: "levels" must be a whole number from 2, not ${levels}`);
    if (!(targetDecay >= 0 && targetDecay < 1))
      throw new DisbackError(`consistency: "targetDecay" must be from 0 to below 1, not ${targetDecay}`);
    this.options = options;
    this.targetDecay = targetDecay;
  }

  /** @throws DisbackError if the data do not match the student's samples */
  prepare({ student, teacher, seed }: Parameters<NonNullable<DirectObjective["prepare"]>>[0]): void {
    const { levels = 18 } = this.options;
    this.data = new CleanSamples(this.options, { student, teacher, seed }, this.name);
    this.target = new EMA(student.module, { decay: this.targetDecay });
    const grid = sigmaSchedule({ steps: levels, sigmaMax: student.sigmaInit }, teacher).slice(0, levels);
    this.grid = tensor(grid, { device: student.device });
  }

  /** The running average after the previous update; before the first update, the student itself. */
  beforeStep(): void {
    this.target!.update();
  }

  loss({ student, teacher, count, random }: DirectInput): Tensor {
    const { samples, condition: told } = this.data!.draw(count, random);
    const last = this.grid!.shape[0]! - 1;
    const place = randint(0, last, [count], { generator: random, device: samples.device });
    const sigma = this.grid!.indexSelect(0, place);
    const next = this.grid!.indexSelect(0, place.add(1));
    const noise = randn(samples.shape, { generator: random, device: samples.device });
    const x = samples.add(noise.mul(perSample(sigma, samples.ndim)));
    const wanted = noGrad(() => {
      const moved = heunStep(teacher, x, sigma, next, told);
      const estimate = this.target!.module.denoise(moved, next, told);
      return ops.where(perSample(place.eq(last - 1), x.ndim), moved, estimate);
    });
    return meanDistance(
      this.options.distance ?? "pseudo-huber",
      student.module.denoise(x, sigma, told),
      wanted,
    );
  }

  state(): State {
    return this.target!.state();
  }

  loadState(state: State): void {
    this.target!.loadState(state);
  }

  dispose(): void {
    this.target?.dispose();
    this.data?.dispose();
    this.grid?.dispose();
  }
}

/** One step of Heun's method along dx/dsigma = (x - D(x; sigma)) / sigma (Karras et al. 2022), each row from its level to its next. */
function heunStep(teacher: Denoiser, x: Tensor, sigma: Tensor, next: Tensor, condition?: Condition): Tensor {
  const slope = (at: Tensor, level: Tensor) =>
    at.sub(teacher.denoise(at, level, condition)).div(perSample(level, x.ndim));
  const way = perSample(next.sub(sigma), x.ndim);
  const first = slope(x, sigma);
  const second = slope(x.add(first.mul(way)), next);
  return x.add(first.add(second).mul(way.mul(0.5)));
}

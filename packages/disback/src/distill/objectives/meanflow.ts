import { cat, noGrad, ops, rand, randn, type Tensor, zeros } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { Condition } from "../../models/condition.js";
import type { DenoiserModule } from "../../models/denoiser.js";
import { PreconditionedDenoiser } from "../../models/preconditioning/preconditioned.js";
import { CleanSamples, type CleanSamplesOptions } from "../clean-samples.js";
import { perSample } from "../denoising-loss.js";
import type { DirectInput, DirectObjective } from "../direct-objective.js";
import { requireWeight } from "../discriminator.js";
import { LogNormal, type NoiseDistribution } from "../noise-distribution.js";
import { type DerivativeKind, forwardDerivative, type VelocitySource, withoutDropout } from "./scm.js";

export interface MeanFlowOptions extends CleanSamplesOptions {
  /** noise levels of t, default `ln sigma ~ N(-0.6, 1.6^2)`: logit-normal t, as in the paper's CIFAR-10 runs */
  noise?: NoiseDistribution;
  /** noise levels of r, default `ln sigma ~ N(-4, 1.6^2)` as there */
  endNoise?: NoiseDistribution;
  /** share of a batch with r < t, default 0.75 as there; the rest has r = t and learns the velocity itself */
  intervalShare?: number;
  /** whose velocity is averaged: "teacher" (default) or "data" as in the paper */
  velocity?: VelocitySource;
  /** as of `Scm` */
  derivative?: DerivativeKind;
  /** power p of the loss's weight, default 0.75 as there; 1 for ImageNet */
  power?: number;
}

/** Constant c of the loss's weight, as in the paper. */
const WEIGHT_CONSTANT = 1e-3;
/** Step of the finite difference, relative to the nearer end of the time from 0 to 1. */
const DIFFERENCE = 0.01;

/**
 * MeanFlow (Geng et al. 2025, eq. 6 to 11 and 22): the student learns the mean velocity between two times of a flow,
 * with `z_t = (1 - t) x0 + t n`, so `sigma = t / (1 - t)`:
 *
 *     u(z_t, r, t) = (z_t - D(z_t / (1 - t); sigma, r/t)) / t,   v = (z_t - D_T) / t  or  n - x0,
 *     u_tgt = v - (t - r) (v du/dz + du/dt),   L = E |u - u_tgt|^2 / sg(|u - u_tgt|^2 + c)^p.
 *
 * `u_tgt` is a constant, its derivative without dropout. The network takes the interval `r/t` as one more label (see
 * `withInterval`), which is 0 for `r = 0`: then `D` is a sample, so the student makes samples in one step, or in any number,
 * like any denoiser.
 */
export class MeanFlow implements DirectObjective {
  readonly name = "meanflow";
  private readonly options: MeanFlowOptions;
  private readonly noise: NoiseDistribution;
  private readonly endNoise: NoiseDistribution;
  private readonly intervalShare: number;
  private readonly power: number;
  private data: CleanSamples | undefined;
  /** number of the network's labels before the interval */
  private others = 0;

  /** @throws DisbackError naming the option that is out of its range */
  constructor(options: MeanFlowOptions = {}) {
    const { intervalShare = 0.75, power = 0.75 } = options;
    if (!(intervalShare >= 0 && intervalShare <= 1))
      throw new DisbackError(`meanflow: "intervalShare" must be from 0 to 1, not ${intervalShare}`);
    this.options = options;
    this.noise = options.noise ?? new LogNormal(-0.6, 1.6);
    this.endNoise = options.endNoise ?? new LogNormal(-4, 1.6);
    this.intervalShare = intervalShare;
    this.power = requireWeight(this.name, "power", power);
  }

  /** @throws DisbackError if the data do not match the student's samples, or its network takes no interval */
  prepare(setting: Parameters<NonNullable<DirectObjective["prepare"]>>[0]): void {
    this.others = labelsOf(setting.student.module) - 1;
    this.data = new CleanSamples(this.options, setting, this.name);
  }

  /** @throws DisbackError if an operator of the network has no forward derivative */
  loss({ student, teacher, count, random }: DirectInput): Tensor {
    const { velocity = "teacher" } = this.options;
    const { samples, condition } = this.data!.draw(count, random);
    const { ndim, device } = samples;
    const [one, other] = [this.noise, this.endNoise].map((levels) =>
      timeOf(levels.sample(count, random, device)),
    ) as [Tensor, Tensor];
    const spans = rand([count], { generator: random, device }).lt(this.intervalShare);
    const time = perSample(ops.maximum(one, other), ndim);
    const end = ops.where(perSample(spans, ndim), perSample(ops.minimum(one, other), ndim), time);
    const noise = randn(samples.shape, { generator: random, device });
    const z = samples.lerp(noise, time);
    const v =
      velocity === "data"
        ? noise.sub(samples)
        : noGrad(() => meanVelocity(z, time, (x, sigma) => teacher.denoise(x, sigma, condition)));
    const estimate = this.mean(student.module, z, time, end, condition);
    const change = this.derivative(student.module, { z, time, end, v, condition });
    const wanted = noGrad(() => v.sub(time.sub(end).mul(change)));
    const squares = estimate.sub(wanted).square().reshape([count, -1]).sum(1);
    return squares.div(squares.detach().add(WEIGHT_CONSTANT).pow(this.power)).mean();
  }

  dispose(): void {
    this.data?.dispose();
  }

  /** u(z_t, r, t) of the student. */
  private mean(network: DenoiserModule, z: Tensor, time: Tensor, end: Tensor, condition?: Condition): Tensor {
    const interval = end.div(time).reshape([-1, 1]);
    const { device } = z;
    const before = zeros([z.shape[0]!, this.others], { device });
    const labels = this.others > 0 ? cat([before, interval], 1) : interval;
    return meanVelocity(z, time, (x, sigma) =>
      (network as PreconditionedDenoiser).denoise(x, sigma, condition, labels),
    );
  }

  /** `v du/dz + du/dt` with r fixed. */
  private derivative(
    network: DenoiserModule,
    given: { z: Tensor; time: Tensor; end: Tensor; v: Tensor; condition: Condition | undefined },
  ): Tensor {
    const { z, time, end, v, condition } = given;
    const at = (place: Tensor, moment: Tensor) => this.mean(network, place, moment, end, condition);
    return withoutDropout(network, () => {
      if (this.options.derivative !== "difference")
        return forwardDerivative(this.name, at, [z, time], [v, ops.ones_like(time)]);
      return noGrad(() => {
        const step = ops.minimum(time, time.neg().add(1)).mul(DIFFERENCE);
        const moved = (by: Tensor) => at(z.add(v.mul(by)), time.add(by));
        return moved(step).sub(moved(step.neg())).div(step.mul(2));
      });
    });
  }
}

/** The time of a noise level: `t = sigma / (1 + sigma)`. */
function timeOf(sigma: Tensor): Tensor {
  return sigma.div(sigma.add(1));
}

/** `(z_t - D(z_t / (1 - t); t / (1 - t))) / t`. @param time `[N, 1, ...]` */
function meanVelocity(z: Tensor, time: Tensor, denoise: (x: Tensor, sigma: Tensor) => Tensor): Tensor {
  const rest = time.neg().add(1);
  return z.sub(denoise(z.div(rest), time.div(rest).flatten())).div(time);
}

/** The number of augmentation labels, the last of which is the interval. @throws DisbackError if there are none */
function labelsOf(network: DenoiserModule): number {
  const map = network.stateDict().get("model.map_augment.weight");
  if (!(network instanceof PreconditionedDenoiser) || !map)
    throw new DisbackError("meanflow: the student's network takes no interval; make it with withInterval()");
  return map.shape[1]!;
}

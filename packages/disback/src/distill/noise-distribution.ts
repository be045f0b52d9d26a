import { type Device, type Generator, ops, rand, randint, randn, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";

/** The distribution of a loss's noise levels sigma. */
export interface NoiseDistribution {
  /**
   * Draws noise levels.
   * @param count number of levels, N
   * @param generator on `device`
   * @param device where the levels are needed, default "cpu"
   * @returns sigma `[N]`, float32, standard deviations > 0
   */
  sample(count: number, generator: Generator, device?: Device): Tensor;
}

/** `ln sigma ~ N(mean, standardDeviation^2)`: training as in EDM (Karras et al. 2022, table 1). */
export class LogNormal implements NoiseDistribution {
  /**
   * @param mean of `ln sigma`, EDM's P_mean, default -1.2
   * @param standardDeviation of `ln sigma`, EDM's P_std, default 1.2
   * @throws DisbackError if the standard deviation is not greater than 0
   */
  constructor(
    readonly mean = -1.2,
    readonly standardDeviation = 1.2,
  ) {
    requireNumber("mean", mean, Number.isFinite(mean));
    requireNumber("standardDeviation", standardDeviation, standardDeviation > 0);
  }

  sample(count: number, generator: Generator, device: Device = "cpu"): Tensor {
    return randn([count], { generator, device }).mul(this.standardDeviation).add(this.mean).exp();
  }
}

/** Options of `KarrasUniform`; positions run from 0 (sigmaMin) to 1 (sigmaMax). */
export interface KarrasUniformOptions {
  /** lowest level of the schedule, default 0.002 */
  sigmaMin?: number;
  /** highest level of the schedule, default 80 */
  sigmaMax?: number;
  /** curvature of the schedule, default 7 */
  rho?: number;
  /** first position drawn, in [0, 1], default 0 */
  from?: number;
  /** last position drawn, in [from, 1], default 1; SiD draws up to 0.8 (sigma 24.4) */
  to?: number;
  /**
   * If given, the schedule has this many levels, and only the positions `i / (levels - 1)` are drawn, with `i` from
   * `from * levels` to `to * levels` inclusive. DMD2 has 1000 levels and draws 20 to 980.
   */
  levels?: number;
}

/**
 * Uniform on the sampler's schedule (Karras et al. 2022, eq. 5, here ascending):
 * `sigma(t) = (sigmaMin^(1/rho) + t (sigmaMax^(1/rho) - sigmaMin^(1/rho)))^rho`, t uniform on [from, to].
 * SiD's and DMD's generators are trained with these levels.
 */
export class KarrasUniform implements NoiseDistribution {
  private readonly options: Required<Omit<KarrasUniformOptions, "levels">> & { levels?: number };

  /** @throws DisbackError naming the option that is out of its range */
  constructor(options: KarrasUniformOptions = {}) {
    this.options = { sigmaMin: 0.002, sigmaMax: 80, rho: 7, from: 0, to: 1, ...options };
    const { sigmaMin, sigmaMax, rho, from, to, levels } = this.options;
    requireNumber("sigmaMin", sigmaMin, sigmaMin > 0);
    requireNumber("sigmaMax", sigmaMax, sigmaMax > sigmaMin && Number.isFinite(sigmaMax));
    requireNumber("rho", rho, rho > 0);
    requireNumber("from", from, from >= 0 && from <= 1);
    requireNumber("to", to, to >= from && to <= 1);
    if (levels !== undefined) requireNumber("levels", levels, Number.isInteger(levels) && levels >= 2);
  }

  sample(count: number, generator: Generator, device: Device = "cpu"): Tensor {
    const { sigmaMin, sigmaMax, rho } = this.options;
    const [low, high] = [sigmaMin ** (1 / rho), sigmaMax ** (1 / rho)];
    return this.positions(count, generator, device)
      .mul(high - low)
      .add(low)
      .pow(rho);
  }

  private positions(count: number, generator: Generator, device: Device): Tensor {
    const { from, to, levels } = this.options;
    if (levels === undefined) {
      return rand([count], { generator, device })
        .mul(to - from)
        .add(from);
    }
    // Rounded, because 0.29 * 100 is 28.999…
    const last = Math.min(Math.round(to * levels), levels - 1);
    const first = Math.min(Math.round(from * levels), last);
    return randint(first, last + 1, [count], { generator, device })
      .float()
      .div(levels - 1);
  }
}

/**
 * Most levels just above `from`, some far above it: `ln sigma` has the density `1 / sqrt(width^2 + (ln sigma - ln from)^2)`
 * between `from` and `to`. For truncated consistency models (Lee et al. 2024), who draw from a log-Student-t distribution of
 * scale 0.2 and 0.01 degrees of freedom: its exponent is 0.505 where this one's is 1/2, with width 0.2 sqrt(0.01).
 */
export class LogHeavyTail implements NoiseDistribution {
  /** @throws DisbackError naming the bound or width that is out of range */
  constructor(
    readonly from: number,
    readonly to: number,
    readonly width = 0.02,
  ) {
    requireNumber("from", from, from > 0);
    requireNumber("to", to, to > from && Number.isFinite(to));
    requireNumber("width", width, width > 0);
  }

  sample(count: number, generator: Generator, device: Device = "cpu"): Tensor {
    const { from, to, width } = this;
    const position = rand([count], { generator, device }).mul(Math.asinh(Math.log(to / from) / width));
    return ops.sinh(position).mul(width).exp().mul(from);
  }
}

function requireNumber(option: string, value: number, valid: boolean): void {
  if (!valid) throw new DisbackError(`noise distribution: "${option}" is out of range: ${value}`);
}

import {
  extractState,
  jvp,
  mergeStates,
  noGrad,
  OperatorError,
  prefixState,
  randn,
  type State,
  stateNumber,
  type Tensor,
  zeros,
} from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { Condition } from "../../models/condition.js";
import type { DenoiserModule } from "../../models/denoiser.js";
import { requireCounts } from "../../training/execution.js";
import { CleanSamples, type CleanSamplesOptions } from "../clean-samples.js";
import { perSample } from "../denoising-loss.js";
import type { DirectInput, DirectObjective } from "../direct-objective.js";
import { requireWeight } from "../discriminator.js";
import { LearnedWeight } from "../learned-weight.js";
import { LogNormal, type NoiseDistribution } from "../noise-distribution.js";

/** Where the direction of a continuous-time objective comes from: distillation, or training on data. */
export type VelocitySource = "teacher" | "data";

/** How the network's derivative along the trajectory is computed. */
export type DerivativeKind = "forward" | "difference";

export interface ScmOptions extends CleanSamplesOptions {
  /** noise levels, default `ln sigma ~ N(-1, 1.4^2)` as in the paper's CIFAR-10 runs */
  noise?: NoiseDistribution;
  /** whose direction dx/dt is: "teacher" (default, sCD) or "data" (sCT) */
  velocity?: VelocitySource;
  /**
   * "forward" (default): exact, in one pass with dual numbers; "difference": two passes 0.02 apart in ln sigma, for
   * networks with operators that have no forward derivative
   */
  derivative?: DerivativeKind;
  /** steps over which the derivative's part of the tangent grows, default 200; 10,000 in the paper */
  warmupSteps?: number;
  /** constant c of the tangent's normalization, default 0.1 as in the paper */
  normalization?: number;
  /** a learned weight of the noise levels in place of 1/sigma, where it starts; default false */
  learnedWeight?: boolean;
}

/** Step in ln sigma of the finite difference: its errors of truncation and of rounding in f32 are alike there. */
const DIFFERENCE = 0.01;

/**
 * Continuous-time consistency distillation (Lu and Song 2024, eq. 8 and algorithm 1; TrigFlow). With
 * `t = arctan(sigma / sigmaData)`, `x_t = cos t x0 + sin t sigmaData n` and the student's
 * `f(x_t, t) = D(x_t / cos t; sigma) = cos t x_t - sin t sigmaData F(x_t, t)`:
 *
 *     g = -cos^2 t (sigmaData F- - dx/dt) - r cos t sin t (x_t + sigmaData dF-/dt),   g <- g / (|g| + c),
 *     L = E 1/sigma mean (F - F- - g)^2,
 *
 * where `F-` is F as a constant, `dF-/dt` its derivative along the trajectory (without dropout), and `r` grows from 0 to 1
 * in the first steps. `dx/dt` is the teacher's, `sigmaData F_T`, or that of the data, `cos t sigmaData n - sin t x0`. With
 * the paper's learned weight it is `E e^w(t)/sigma mean (F - F- - g)^2 - w(t)`. The student makes samples in any number of
 * steps.
 */
export class Scm implements DirectObjective {
  readonly name = "scm";
  private readonly options: ScmOptions;
  private readonly noise: NoiseDistribution;
  private readonly velocity: VelocitySource;
  private readonly derivative: DerivativeKind;
  private readonly warmupSteps: number;
  private readonly normalization: number;
  private data: CleanSamples | undefined;
  private weight: LearnedWeight | undefined;
  /** r, a tensor `[]`, so that a captured step sees it change */
  private warmth: Tensor | undefined;
  private steps = 0;

  /** @throws DisbackError naming the option that is out of its range */
  constructor(options: ScmOptions = {}) {
    const { warmupSteps = 200, normalization = 0.1 } = options;
    requireCounts(this.name, { warmupSteps });
    this.options = options;
    this.noise = options.noise ?? new LogNormal(-1, 1.4);
    this.velocity = options.velocity ?? "teacher";
    this.derivative = options.derivative ?? "forward";
    this.warmupSteps = warmupSteps;
    this.normalization = requireWeight(this.name, "normalization", normalization);
  }

  /** @throws DisbackError if the data do not match the student's samples */
  prepare(setting: Parameters<NonNullable<DirectObjective["prepare"]>>[0]): void {
    this.data = new CleanSamples(this.options, setting, this.name);
    const { device } = setting.student;
    this.warmth = zeros([], { device });
    if (this.options.learnedWeight) this.weight = new LearnedWeight(device);
  }

  parameters(): Tensor[] {
    return this.weight?.parameters() ?? [];
  }

  beforeStep(): void {
    this.warmth!.fill_(Math.min(1, this.steps / this.warmupSteps));
  }

  /** @throws DisbackError if an operator of the network has no forward derivative */
  loss({ student, teacher, count, random }: DirectInput): Tensor {
    const { sigmaData } = student.facts;
    const { samples, condition } = this.data!.draw(count, random);
    const sigma = this.noise.sample(count, random, samples.device);
    const noise = randn(samples.shape, { generator: random, device: samples.device });
    const level = perSample(sigma, samples.ndim);
    const { cosine, sine } = angles(level, sigmaData);
    const x = samples.add(noise.mul(level)).mul(cosine);
    const direction =
      this.velocity === "teacher"
        ? noGrad(() => scaledNetwork(teacher, x, level, condition))
        : noise.mul(cosine.mul(sigmaData)).sub(samples.mul(sine));
    const estimate = scaledNetwork(student.module, x, level, condition);
    const along = this.alongTrajectory(student.module, { x, level, direction, condition });
    const wanted = noGrad(() => {
      const constant = estimate.detach();
      const turning = cosine.mul(sine);
      const tangent = direction
        .sub(constant)
        .mul(cosine.square())
        .sub(x.mul(turning).add(along).mul(this.warmth!));
      const length = tangent.square().reshape([count, -1]).sum(1).sqrt().add(this.normalization);
      // F, not sigmaData F, moves by the tangent.
      return constant.add(tangent.div(perSample(length, x.ndim)).mul(sigmaData));
    });
    const squares = estimate.sub(wanted).div(sigmaData).square().div(level);
    return this.weight ? this.weight.forward(squares.reshape([count, -1]).mean([1]), sigma) : squares.mean();
  }

  afterStep(): void {
    this.steps++;
  }

  state(): State {
    const counted = { tensors: new Map(), values: { steps: this.steps } };
    return this.weight ? mergeStates(counted, prefixState("weight", this.weight.state())) : counted;
  }

  loadState(state: State): void {
    this.steps = stateNumber(state, "steps");
    this.weight?.loadStateDict(extractState("weight", state).tensors);
  }

  dispose(): void {
    this.data?.dispose();
    this.warmth?.dispose();
    this.weight?.dispose();
  }

  /** `cos t sin t sigmaData dF/dt`: the derivative of `sigmaData F` by ln sigma along the trajectory. */
  private alongTrajectory(
    network: DenoiserModule,
    {
      x,
      level,
      direction,
      condition,
    }: { x: Tensor; level: Tensor; direction: Tensor; condition?: Condition | undefined },
  ): Tensor {
    const { cosine, sine } = angles(level, network.facts.sigmaData);
    const step = direction.mul(cosine.mul(sine));
    const at = (place: Tensor, height: Tensor) => scaledNetwork(network, place, height, condition);
    return withoutDropout(network, () => {
      if (this.derivative === "forward") return forwardDerivative(this.name, at, [x, level], [step, level]);
      return noGrad(() => {
        const moved = (by: number) => at(x.add(step.mul(by)), level.mul(Math.exp(by)));
        return moved(DIFFERENCE)
          .sub(moved(-DIFFERENCE))
          .div(2 * DIFFERENCE);
      });
    });
  }
}

/** `cos t` and `sin t` of `t = arctan(sigma / sigmaData)`, without the cancellation of a cosine near 0. */
function angles(level: Tensor, sigmaData: number): { cosine: Tensor; sine: Tensor } {
  const ratio = level.div(sigmaData);
  const cosine = ratio.square().add(1).rsqrt();
  return { cosine, sine: ratio.mul(cosine) };
}

/**
 * `sigmaData F(x_t, t) = (cos t x_t - D(x_t / cos t; sigma)) / sin t`.
 * @param x `x_t`, `[N, ...]` @param level sigma, `[N, 1, ...]`
 */
function scaledNetwork(
  network: DenoiserModule,
  x: Tensor,
  level: Tensor,
  condition: Condition | undefined,
): Tensor {
  const { cosine, sine } = angles(level, network.facts.sigmaData);
  return x
    .mul(cosine)
    .sub(network.denoise(x.div(cosine), level.flatten(), condition))
    .div(sine);
}

/** The derivative of a network in one direction. @throws DisbackError if an operator in it has none */
export function forwardDerivative(
  who: string,
  network: (...inputs: Tensor[]) => Tensor,
  inputs: Tensor[],
  tangents: Tensor[],
): Tensor {
  try {
    return jvp(network, inputs, tangents).tangent;
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    throw new DisbackError(
      `${who}: this network has no forward derivative; set "derivative" to "difference" (${error.message.split("\n")[0]})`,
    );
  }
}

/** Runs a body with a network in evaluation mode, and leaves it as it was. */
export function withoutDropout<T>(network: DenoiserModule, body: () => T): T {
  const { training } = network;
  network.eval();
  try {
    return body();
  } finally {
    if (training) network.train();
  }
}

import { type Device, drawInteger, type Generator, noGrad, ops, randn, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { Condition } from "../models/condition.js";
import type { DenoiserModule } from "../models/denoiser.js";
import type { ModelFacts } from "../models/facts.js";
import { type ConditionSource, conditionSourceOf } from "./condition-source.js";
import type { Student } from "./student.js";

/** Options of a student besides its network. */
export interface DenoiserStudentOptions {
  /** noise level of the first step, > 0: 2.5 in SiD and the paper's EDM runs, 1.0 in Diff-Instruct, 80 in DMD2 */
  sigmaInit: number;
  /** few-step students: noise levels of the later steps, decreasing, > 0; none by default */
  laterSigmas?: readonly number[];
  /** where training draws conditions from; default uniform classes, or none */
  conditions?: ConditionSource;
}

/**
 * A student that runs a denoiser's network once or a few times. One step (Diff-Instruct, Luo et al. 2023, section 3):
 *
 *     G(z) = D_G(sigmaInit z; sigmaInit)
 *
 * Few steps (DMD2, Yin et al. 2024b, section 4.4; multistep sampling of Song et al. 2023, algorithm 1): noise is added
 * to the estimate and removed again,
 *
 *     x_1 = D_G(sigma_1 z_1; sigma_1),   x_k = D_G(x_(k-1) + sigma_k z_k; sigma_k),   G(z) = x_K,   z = (z_1, …, z_K).
 *
 * Trained by backward simulation (section 4.5): the student's own earlier steps make each step's input, so training and
 * sampling see the same inputs. The number of function evaluations is the number of steps.
 */
export class DenoiserStudent implements Student<DenoiserModule> {
  readonly sigmaInit: number;
  readonly laterSigmas: readonly number[];
  readonly conditions: ConditionSource;

  /**
   * @param module the network that is trained; its device is where samples are made
   * @throws DisbackError if the noise levels are not positive or do not decrease, or if `conditions` is missing for a
   *   model that takes more than a class
   */
  constructor(
    readonly module: DenoiserModule,
    { sigmaInit, laterSigmas = [], conditions }: DenoiserStudentOptions,
  ) {
    if (!(sigmaInit > 0))
      throw new DisbackError(`student: "sigmaInit" must be greater than 0, not ${sigmaInit}`);
    const levels = [sigmaInit, ...laterSigmas];
    if (laterSigmas.some((sigma, index) => !(sigma > 0 && sigma < levels[index]!)))
      throw new DisbackError(
        `student: noise levels must decrease and stay above 0, not ${levels.join(", ")}`,
      );
    this.sigmaInit = sigmaInit;
    this.laterSigmas = laterSigmas;
    this.conditions = conditions ?? conditionSourceOf(module.facts, this.device);
  }

  get facts(): ModelFacts {
    return this.module.facts;
  }

  /** Number of steps. Each is one evaluation of the network. */
  get evaluations(): number {
    return 1 + this.laterSigmas.length;
  }

  get device(): Device {
    return this.module.parameters()[0]!.device;
  }

  withModule(module: DenoiserModule): DenoiserStudent {
    return new DenoiserStudent(module, this);
  }

  /** Draws `z ~ N(0, I)`: `[count, ...sampleShape]`, or `[count, steps, ...sampleShape]` if there are several steps. */
  latents(count: number, generator: Generator): Tensor {
    const { device, evaluations } = this;
    const steps = evaluations > 1 ? [evaluations] : [];
    return randn([count, ...steps, ...this.facts.sampleShape], { generator, device });
  }

  /** The part of the latents that is the noise of a step (0 is the first): `[count, ...sampleShape]`. */
  noiseOf(latents: Tensor, step: number): Tensor {
    return this.evaluations > 1 ? latents.select(1, step) : latents;
  }

  /** Draws how many steps a training batch takes, uniformly from 1 to all. One-step students draw nothing. */
  drawSteps(generator: Generator): number {
    const { evaluations, device } = this;
    if (evaluations === 1) return 1;
    return drawInteger(1, evaluations + 1, { generator, device });
  }

  /**
   * Maps latents to samples `[count, ...sampleShape]`. If gradients are on, only the last step is in the graph; earlier
   * steps are simulated without gradients.
   * @param steps number of steps, default all
   */
  generate(latents: Tensor, condition?: Condition, steps = this.evaluations): Tensor {
    let samples: Tensor | undefined;
    for (let step = 0; step < steps - 1; step++) {
      const before = samples;
      samples = noGrad(() => this.advance(before, latents, step, condition));
    }
    return this.advance(samples, latents, steps - 1, condition);
  }

  private advance(before: Tensor | undefined, latents: Tensor, step: number, condition?: Condition): Tensor {
    const level = [this.sigmaInit, ...this.laterSigmas][step]!;
    const sigma = ops.full([latents.shape[0]!], level, "float32", null, latents.device);
    const noise = this.noiseOf(latents, step).mul(level);
    return this.module.denoise(before ? noise.add_(before) : noise, sigma, condition);
  }
}

/**
 * Noise levels for a student's steps after the first: evenly spaced in the angle `arctan(sigma / sigmaData)` between
 * data and noise (Lu and Song 2024), as DMD2's are evenly spaced in the diffusion's time.
 * @param steps number of steps of the student, including the first
 * @param sigmaData standard deviation of the data
 */
export function evenAngles(sigmaInit: number, steps: number, sigmaData: number): number[] {
  const first = Math.atan(sigmaInit / sigmaData);
  return Array.from({ length: steps - 1 }, (_, index) =>
    Number((sigmaData * Math.tan((first * (steps - 1 - index)) / steps)).toPrecision(6)),
  );
}

/**
 * @param who caller's name for the message
 * @throws DisbackError unless the student runs a denoiser once or a few times
 */
export function requireDenoiserStudent(student: Student, who: string): DenoiserStudent {
  if (student instanceof DenoiserStudent) return student;
  throw new DisbackError(`${who}: the student must be a denoiser, but this one is another kind of generator`);
}

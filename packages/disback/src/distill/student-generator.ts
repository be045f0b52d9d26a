import {
  arange,
  type Device,
  drawInteger,
  type Generator,
  noGrad,
  ops,
  randint,
  randn,
  type Tensor,
} from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { DenoiserModule } from "../models/denoiser.js";

/** What a student needs to know beside its network. */
export interface StudentGeneratorOptions {
  /** noise level of the first step, > 0: 2.5 in SiD and the paper's EDM runs, 1.0 in Diff-Instruct, 80 in DMD2 */
  sigmaInit: number;
  /** few-step students: noise levels of the steps after the first, falling, > 0; none by default */
  laterSigmas?: readonly number[];
  /** shape of one sample, `[C, H, W]` for images */
  sampleShape: readonly number[];
  /** number of classes; 0 (default) for an unconditional student */
  labelDim?: number;
}

/**
 * A generator that runs a denoiser's network once or a few times. One step (Diff-Instruct, Luo et al. 2023, section 3):
 *
 *     G(z) = D_G(sigmaInit z; sigmaInit)
 *
 * Few steps (DMD2, Yin et al. 2024b, section 4.4; multistep sampling of Song et al. 2023, algorithm 1): noise is added to
 * the estimate and taken away again,
 *
 *     x_1 = D_G(sigma_1 z_1; sigma_1),   x_k = D_G(x_(k-1) + sigma_k z_k; sigma_k),   G(z) = x_K,   z = (z_1, …, z_K).
 *
 * Trained by backward simulation (section 4.5): what a step gets as input is made by the student's own earlier steps, so
 * that training sees what sampling sees. The number of function evaluations is the number of steps.
 */
export class StudentGenerator {
  readonly sigmaInit: number;
  readonly laterSigmas: readonly number[];
  readonly sampleShape: readonly number[];
  readonly labelDim: number;

  /**
   * @param denoiser the network that is trained; its device is where samples are made
   * @throws DisbackError if the noise levels are not positive or do not fall
   */
  constructor(
    readonly denoiser: DenoiserModule,
    { sigmaInit, laterSigmas = [], sampleShape, labelDim = 0 }: StudentGeneratorOptions,
  ) {
    if (!(sigmaInit > 0))
      throw new DisbackError(`student: "sigmaInit" must be greater than 0, not ${sigmaInit}`);
    const levels = [sigmaInit, ...laterSigmas];
    if (laterSigmas.some((sigma, index) => !(sigma > 0 && sigma < levels[index]!)))
      throw new DisbackError(`student: noise levels must fall and stay above 0, not ${levels.join(", ")}`);
    this.sigmaInit = sigmaInit;
    this.laterSigmas = laterSigmas;
    this.sampleShape = sampleShape;
    this.labelDim = labelDim;
  }

  /** Steps, which is evaluations of the network per sample. */
  get steps(): number {
    return 1 + this.laterSigmas.length;
  }

  get device(): Device {
    return this.denoiser.parameters()[0]!.device;
  }

  /** The same student with other weights, such as their average. */
  withDenoiser(denoiser: DenoiserModule): StudentGenerator {
    return new StudentGenerator(denoiser, this);
  }

  /** Draws `z ~ N(0, I)`: `[count, ...sampleShape]`, or `[count, steps, ...sampleShape]` if there are several steps. */
  latents(count: number, generator: Generator, device: Device = this.device): Tensor {
    const steps = this.steps > 1 ? [this.steps] : [];
    return randn([count, ...steps, ...this.sampleShape], { generator, device });
  }

  /** The noise in latents that enters a step, 0 for the first one: `[count, ...sampleShape]`. */
  noiseOf(latents: Tensor, step: number): Tensor {
    return this.steps > 1 ? latents.select(1, step) : latents;
  }

  /** Draws classes uniformly, one-hot `[count, labelDim]`; undefined for an unconditional student. */
  conditions(count: number, generator: Generator, device: Device = this.device): Tensor | undefined {
    if (this.labelDim === 0) return undefined;
    // Not one_hot, which reads the classes to look at their range.
    const classes = randint(0, this.labelDim, [count, 1], { generator, device });
    return classes.eq(arange(0, this.labelDim, 1, { dtype: "int64", device })).float();
  }

  /** Draws how many of its steps a training batch goes: 1 to `steps`, evenly. Nothing is drawn for one-step students. */
  drawSteps(generator: Generator): number {
    if (this.steps === 1) return 1;
    return drawInteger(1, this.steps + 1, { generator, device: this.device });
  }

  /**
   * Maps latents to samples `[count, ...sampleShape]`. The graph, if one is being recorded, reaches the weights through
   * the last step; those before it are simulated.
   * @param steps how far to go, default to the end
   */
  generate(latents: Tensor, condition?: Tensor, steps = this.steps): Tensor {
    let samples: Tensor | undefined;
    for (let step = 0; step < steps - 1; step++) {
      const before = samples;
      samples = noGrad(() => this.advance(before, latents, step, condition));
    }
    return this.advance(samples, latents, steps - 1, condition);
  }

  private advance(before: Tensor | undefined, latents: Tensor, step: number, condition?: Tensor): Tensor {
    const level = [this.sigmaInit, ...this.laterSigmas][step]!;
    const sigma = ops.full([latents.shape[0]!], level, "float32", null, latents.device);
    const noise = this.noiseOf(latents, step).mul(level);
    return this.denoiser.denoise(before ? noise.add_(before) : noise, sigma, condition);
  }
}

/**
 * Noise levels for the steps of a student after the first: evenly spaced in the angle `arctan(sigma / sigmaData)`
 * between data and noise (Lu and Song 2024), as DMD2's are evenly spaced in the diffusion's time.
 * @param steps of the student, the first included
 */
export function evenAngles(sigmaInit: number, steps: number, sigmaData = 0.5): number[] {
  const first = Math.atan(sigmaInit / sigmaData);
  return Array.from({ length: steps - 1 }, (_, index) =>
    Number((sigmaData * Math.tan((first * (steps - 1 - index)) / steps)).toPrecision(6)),
  );
}

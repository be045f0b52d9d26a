import { type Device, type Generator, ops, randint, randn, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { DenoiserModule } from "../models/denoiser.js";

/** What a student needs to know beside its network. */
export interface StudentGeneratorOptions {
  /** noise level at which the network is run once, > 0: 2.5 in SiD and the paper's EDM runs, 1.0 in Diff-Instruct */
  sigmaInit: number;
  /** shape of one sample, `[C, H, W]` for images */
  sampleShape: readonly number[];
  /** number of classes; 0 (default) for an unconditional student */
  labelDim?: number;
}

/**
 * A one-step generator `G(z) = D_G(sigmaInit z; sigmaInit)`: a denoiser's network run once on pure noise
 * (Diff-Instruct, Luo et al. 2023, section 3; the number of function evaluations is 1).
 */
export class StudentGenerator {
  readonly sigmaInit: number;
  readonly sampleShape: readonly number[];
  readonly labelDim: number;

  /** @param denoiser the network that is trained; its device is where samples are made */
  constructor(
    readonly denoiser: DenoiserModule,
    { sigmaInit, sampleShape, labelDim = 0 }: StudentGeneratorOptions,
  ) {
    if (!(sigmaInit > 0))
      throw new DisbackError(`student: "sigmaInit" must be greater than 0, not ${sigmaInit}`);
    this.sigmaInit = sigmaInit;
    this.sampleShape = sampleShape;
    this.labelDim = labelDim;
  }

  get device(): Device {
    return this.denoiser.parameters()[0]!.device;
  }

  /** The same student with other weights, such as their average. */
  withDenoiser(denoiser: DenoiserModule): StudentGenerator {
    return new StudentGenerator(denoiser, this);
  }

  /** Draws `z ~ N(0, I)`, `[count, ...sampleShape]`. */
  latents(count: number, generator: Generator, device: Device = this.device): Tensor {
    return randn([count, ...this.sampleShape], { generator, device });
  }

  /** Draws classes uniformly, one-hot `[count, labelDim]`; undefined for an unconditional student. */
  conditions(count: number, generator: Generator, device: Device = this.device): Tensor | undefined {
    if (this.labelDim === 0) return undefined;
    return ops.one_hot(randint(0, this.labelDim, [count], { generator, device }), this.labelDim).float();
  }

  /** Maps latents to samples of the same shape; the graph, if one is being recorded, reaches the weights. */
  generate(latents: Tensor, condition?: Tensor): Tensor {
    const sigma = ops.full([latents.shape[0]!], this.sigmaInit, "float32", null, latents.device);
    return this.denoiser.denoise(latents.mul(this.sigmaInit), sigma, condition);
  }
}

import { type Device, type Generator, type Module, randn, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { Condition } from "../models/condition.js";
import { type ModelFacts, requireFacts } from "../models/facts.js";
import { type ConditionSource, conditionSourceOf } from "./condition-source.js";
import type { Student } from "./student.js";

/** A module that makes samples from its own kind of latents. */
export interface GeneratorModule extends Module {
  /** shape of one latent: `[128]` for a vector */
  readonly latentShape: readonly number[];
  /** evaluations of the network per sample (NFE), default 1 */
  readonly evaluations?: number;
  /** @param latents `[N, ...latentShape]` @returns samples `[N, ...sampleShape]` */
  generate(latents: Tensor, condition?: Condition): Tensor;
}

export interface GeneratorStudentOptions {
  /** its sample shape and condition */
  facts: ModelFacts;
  /** where training draws conditions from; default uniform classes, or none */
  conditions?: ConditionSource;
  /**
   * draws latents on the module's device, if they are not standard normal: pictures for an encoder, an autoencoder's
   * latents for a decoder
   */
  drawLatents?: LatentDraw | undefined;
}

/** @returns `[count, ...latentShape]` */
export type LatentDraw = (count: number, random: Generator) => Tensor;

/**
 * A student that is not a denoiser: any module that maps standard normal latents to samples, such as a DCGAN's or
 * StyleGAN's generator, a decoder or an encoder. ScoreGAN (White-Link/gpm) trains such students by the difference of scores.
 */
export class GeneratorStudent implements Student<GeneratorModule> {
  readonly facts: ModelFacts;
  readonly conditions: ConditionSource;
  readonly drawLatents: LatentDraw | undefined;

  /** @throws DisbackError if the module has no latent shape, or its facts are incomplete */
  constructor(
    readonly module: GeneratorModule,
    { facts, conditions, drawLatents }: GeneratorStudentOptions,
  ) {
    this.facts = requireFacts(facts, "student");
    const { latentShape } = module;
    if (!Array.isArray(latentShape) || !latentShape.every((size) => Number.isInteger(size) && size > 0))
      throw new DisbackError(
        'student: "latentShape" must be a list of whole numbers, the shape of one latent',
      );
    this.drawLatents = drawLatents;
    this.conditions = conditions ?? conditionSourceOf(facts, this.device);
  }

  get evaluations(): number {
    return this.module.evaluations ?? 1;
  }

  get device(): Device {
    return this.module.parameters()[0]!.device;
  }

  withModule(module: GeneratorModule): GeneratorStudent {
    return new GeneratorStudent(module, this);
  }

  /** Draws `z ~ N(0, I)`, `[count, ...latentShape]`, unless it has latents of its own. */
  latents(count: number, generator: Generator): Tensor {
    if (this.drawLatents) return this.drawLatents(count, generator);
    return randn([count, ...this.module.latentShape], { generator, device: this.device });
  }

  /** Always 1: nothing is drawn. */
  drawSteps(): number {
    return 1;
  }

  generate(latents: Tensor, condition?: Condition): Tensor {
    return this.module.generate(latents, condition);
  }
}

/** Whether a module makes samples without a sampler. */
export function isGenerator(module: Module): module is GeneratorModule {
  return typeof (module as { generate?: unknown }).generate === "function";
}

import type { Device, Module } from "@disback/torch";
import type { CachedPrompts } from "../distill/cached-prompts.js";
import type { LatentDraw } from "../distill/generator-student.js";
import type { PipelineChoice } from "../import/pipeline/text-to-image-source.js";
import { type ConfiguredDenoiser, type DenoiserConfig, saveModel } from "../models/config.js";
import type { DenoiserModule } from "../models/denoiser.js";
import type { ModelFacts } from "../models/facts.js";
import type { GeneratorConfig } from "../models/generators/generator-config.js";
import type { SampleCodec } from "../models/sample-codec.js";
import type { TextEncoder } from "./text-encoder.js";

/** A model that can be trained, saved and opened again, whatever its kind. */
export interface OpenedModel<M extends Module = DenoiserModule> {
  module: M;
  facts: ModelFacts;
  /** codec for showing its samples */
  codec: SampleCodec;
  /** configuration of the network; absent for a user's own module and for a generator from a vector */
  config?: DenoiserConfig;
  /** configuration of a generator from a vector */
  generator?: GeneratorConfig;
  /** The prompts that it draws, if something else encodes them for it. */
  prompts?: CachedPrompts;
  /** What encodes them. */
  encoder?: TextEncoder;
  /** draws what it maps, if that is no standard normal: pictures for an autoencoder */
  drawLatents?: LatentDraw;
  /** Writes a folder with a module's weights, which `openModel` can open. */
  save(folder: string, module: Module): void;
}

/** Options of opening a model. */
export interface OpeningOptions {
  device: Device;
  /** Open the unconditional part of a class-conditional model. Default false. */
  unconditional?: boolean;
  /** Prompts of a model that is told a text, instead of those of its training. */
  prompts?: readonly string[] | undefined;
  /** Tokens of a language model's sample; its own when not given. */
  textLength?: number | undefined;
  /** Further texts that will be asked for, such as a negative prompt. */
  alsoEncode?: readonly string[];
  /** How a pipeline is opened. */
  pipeline?: PipelineChoice | undefined;
  /** Open the weights alone: no prompts are encoded, and the model cannot draw. Default false. */
  weightsOnly?: boolean;
}

/** Opens a model with a configuration. */
export function configured({ denoiser, config }: ConfiguredDenoiser, codec: SampleCodec): OpenedModel {
  return {
    ...{ module: denoiser, facts: denoiser.facts, codec, config },
    save: (folder, module) => {
      saveModel(folder, module as DenoiserModule, config);
      codec.save(folder);
    },
  };
}

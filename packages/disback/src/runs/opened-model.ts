import type { Module } from "@disback/torch";
import type { DenoiserConfig } from "../models/config.js";
import type { DenoiserModule } from "../models/denoiser.js";
import type { ModelFacts } from "../models/facts.js";
import type { SampleCodec } from "../models/sample-codec.js";

/** A model that can be trained, saved and opened again, whatever its kind. */
export interface OpenedModel<M extends Module = DenoiserModule> {
  module: M;
  facts: ModelFacts;
  /** codec for showing its samples */
  codec: SampleCodec;
  /** configuration of the network; absent for a user's own module */
  config?: DenoiserConfig;
  /** Writes a folder with a module's weights, which `openModel` can open. */
  save(folder: string, module: Module): void;
}

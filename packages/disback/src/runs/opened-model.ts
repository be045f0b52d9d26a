import type { Module } from "@disback/torch";
import type { DenoiserConfig } from "../models/config.js";
import type { DenoiserModule } from "../models/denoiser.js";
import type { ModelFacts } from "../models/facts.js";
import type { SampleCodec } from "../models/sample-codec.js";

/** A model as runs handle it: whatever it is made of, it can be trained, saved and opened again. */
export interface OpenedModel<M extends Module = DenoiserModule> {
  module: M;
  facts: ModelFacts;
  /** how its samples are shown */
  codec: SampleCodec;
  /** the network in words; absent for a module of a user's own */
  config?: DenoiserConfig;
  /** Writes a folder with a module's weights, from which `openModel` makes the same kind of model. */
  save(folder: string, module: Module): void;
}

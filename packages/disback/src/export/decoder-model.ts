import { Module, type Tensor } from "@disback/torch";
import type { LatentDecoder } from "../models/sample-codec.js";
import { type ExportableModel, exportableModel } from "./exportable.js";

/** A decoder by itself as a model to export: it makes images of another model's latents. */
export function decoderModel(decoder: LatentDecoder, latentShape: readonly number[]): ExportableModel {
  const facts = { sampleShape: decoder.shownShape, sigmaData: 1, condition: {} };
  const module = new DecoderModule(decoder.module, latentShape);
  return exportableModel({ module, facts }, { kind: "generator" });
}

class DecoderModule extends Module {
  constructor(
    readonly decoder: LatentDecoder["module"],
    readonly latentShape: readonly number[],
  ) {
    super();
  }

  generate(latents: Tensor): Tensor {
    return this.decoder.decoded(latents);
  }
}

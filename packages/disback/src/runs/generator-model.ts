import type { Device, Module } from "@disback/torch";
import { openCodec } from "../models/autoencoder/open-codec.js";
import type { GeneratorConfig } from "../models/generators/generator-config.js";
import type { LatentGenerator } from "../models/generators/latent-generator.js";
import { loadGenerator, saveGenerator } from "../models/generators/storage.js";
import type { SampleCodec } from "../models/sample-codec.js";
import type { OpenedModel } from "./opened-model.js";
import { openPictures } from "./own-modules.js";

/** A generator from a vector as a model that can be trained, saved and opened again. */
export function generatorModel(
  { generator, config }: { generator: LatentGenerator; config: GeneratorConfig },
  codec: SampleCodec,
): OpenedModel<Module> {
  return {
    ...{ module: generator, facts: generator.facts, codec },
    save: (folder, module) => {
      saveGenerator(folder, module as LatentGenerator, config);
      codec.save(folder);
    },
  };
}

/** Opens a folder of such a generator, in evaluation mode. @throws DisbackError naming what is missing or damaged */
export async function openGeneratorFolder(folder: string, device: Device): Promise<OpenedModel<Module>> {
  const loaded = loadGenerator(folder, { device });
  const { sampleShape } = loaded.generator.facts;
  return generatorModel(loaded, (await openPictures(folder)) ?? openCodec(folder, sampleShape, { device }));
}

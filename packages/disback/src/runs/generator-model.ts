import { closeSync, openSync, readSync, statSync } from "node:fs";
import type { Device, Module } from "@disback/torch";
import { readGan } from "../import/gan/read-gan.js";
import { openCodec } from "../models/autoencoder/open-codec.js";
import type { GeneratorConfig } from "../models/generators/generator-config.js";
import type { LatentGenerator } from "../models/generators/latent-generator.js";
import { loadGenerator, saveGenerator } from "../models/generators/storage.js";
import { asTheyAre, type SampleCodec } from "../models/sample-codec.js";
import type { OpenedModel } from "./opened-model.js";
import { isModuleFile, openPictures } from "./own-modules.js";

/** A generator from a vector as a model that can be trained, saved and opened again. */
export function generatorModel(
  { generator, config }: { generator: LatentGenerator; config: GeneratorConfig },
  codec: SampleCodec,
): OpenedModel<Module> {
  return {
    ...{ module: generator, facts: generator.facts, codec, generator: config },
    save: (folder, module) => {
      saveGenerator(folder, module as LatentGenerator, config);
      codec.save(folder);
    },
  };
}

/** Opens a GAN's generator from someone else's checkpoint, see `readGan`. */
export async function openGanFile(file: string, device: Device): Promise<OpenedModel<Module>> {
  const read = await readGan(file);
  read.generator.to({ device });
  return generatorModel(read, asTheyAre(read.generator.facts.sampleShape));
}

/** Whether a source is a file of pickled weights, and no module. */
export function isCheckpointFile(source: string): boolean {
  if (isModuleFile(source) || !statSync(source, { throwIfNoEntry: false })?.isFile()) return false;
  const file = openSync(source, "r");
  try {
    const head = Buffer.alloc(2);
    readSync(file, head, 0, 2, 0);
    return head.toString("latin1") === "PK" || head[0] === 0x80;
  } finally {
    closeSync(file);
  }
}

/** Opens a folder of such a generator, in evaluation mode. @throws DisbackError naming what is missing or damaged */
export async function openGeneratorFolder(folder: string, device: Device): Promise<OpenedModel<Module>> {
  const loaded = loadGenerator(folder, { device });
  const { sampleShape } = loaded.generator.facts;
  return generatorModel(loaded, (await openPictures(folder)) ?? openCodec(folder, sampleShape, { device }));
}

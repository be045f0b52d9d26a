import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Device } from "@disback/torch";
import { isDiffusersFolder } from "../import/diffusers/folder.js";
import { readAutoencoder } from "../import/read-autoencoder.js";
import type { Autoencoder } from "../models/autoencoder/autoencoder.js";
import { isAutoencoderConfig } from "../models/autoencoder/autoencoder-config.js";
import { autoencoderFolder } from "../models/autoencoder/latent-codec.js";
import { readConfigFile } from "../models/model-folder.js";
import { locateModel } from "./locate-model.js";

/** Opens an autoencoder as `readAutoencoder`, also the one that a run made. @throws DisbackError as that */
export function openAutoencoder(source: string, options: { device?: Device } = {}): Promise<Autoencoder> {
  return readAutoencoder(autoencoderPlace(source), options);
}

/** The folder to read an autoencoder from: a run has it inside. */
export function autoencoderPlace(source: string): string {
  if (isDiffusersFolder(source) || existsSync(join(source, autoencoderFolder))) return source;
  return locateModel(source);
}

/** Whether a model folder is an autoencoder of ours by itself. */
export function isAutoencoderFolder(folder: string): boolean {
  return isAutoencoderConfig(readConfigFile(folder).value);
}

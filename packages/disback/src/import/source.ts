import type { Autoencoder } from "../models/autoencoder/autoencoder.js";
import type { DenoiserConfig } from "../models/denoiser-config.js";
import type { StoredWeight } from "./checkpoint/assembled-tensor.js";

/** Someone else's network, of which the weights are not read yet. */
export interface TeacherSource {
  /** in words: what kind of file it is */
  format: string;
  /** under keys of ours, with or without a prefix */
  tensors: ReadonlyMap<string, StoredWeight>;
  /** what its samples are latents of, if it came with one */
  autoencoder?: Autoencoder;
  /** the file tells whether its samples are latents; an autoencoder that was given is in use, or was refused */
  autoencoderSettled?: boolean;
  config: DenoiserConfig;
  /** where the configuration is from, for messages */
  configPlace: string;
  /** the file, and the place in it, for messages */
  place: string;
  /** class in the file, if it says */
  className?: string;
  /** where in the file the weights are, "" for the file as a whole */
  key: string;
  /** other networks in the file */
  others: string[];
  /** what of the original does not go into the denoiser, in words */
  notes: string[];
  /** Ends the reading. */
  close(): void;
}

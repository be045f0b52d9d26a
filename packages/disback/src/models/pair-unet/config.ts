import { z } from "zod";
import { textTransformerFields } from "../text-transformer/config.js";

/** Fields of the network for pairs of a picture and a text, besides those of DDPM++. */
export const pairUNetFields = {
  /** letters of a text; a training takes the longest of its data */
  textLength: textTransformerFields.textLength,
  /** the alphabet, each letter once; a training takes its data's */
  letters: textTransformerFields.letters,
  /** width of the part that reads and writes the letters */
  letterChannels: z.int().positive().default(128),
};

import { z } from "zod";

const count = z.int().positive();

/** Fields of the network for texts as probabilities of letters. */
export const textTransformerFields = {
  /** letters of a sample */
  textLength: count.max(4096).default(32),
  /** the alphabet, each letter once; a training takes its text's */
  letters: z
    .array(z.string().min(1))
    .max(256)
    .refine((letters) => new Set(letters).size === letters.length, "has a letter twice")
    .default([]),
  /** transformer blocks */
  layers: count.default(6),
  heads: count.default(4),
  channelsPerHead: count.default(32),
  dropout: z.number().min(0).lt(1).default(0),
};

/**
 * Standard deviation of one-hot letters that are equally frequent, over all elements: the root of `(1 - 1/V) / V`.
 * @param letters V
 */
export function oneHotDeviation(letters: number): number {
  return Math.sqrt((1 - 1 / letters) / letters);
}

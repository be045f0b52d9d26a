import type { ClipTextModel } from "../clip/clip-text-model.js";
import type { TextTokenizer } from "../tokenizers/text-tokenizer.js";

/** Tokens of a prompt for a CLIP: as many as its tokenizer allows and its encoder has places for. */
export function clipLength({ longest }: TextTokenizer, { options }: ClipTextModel): number {
  return Math.min(longest, options.places);
}

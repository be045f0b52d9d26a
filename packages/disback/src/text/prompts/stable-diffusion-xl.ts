import { cat, noGrad, scope, type Tensor, tensor, zerosLike } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { ClipTextModel, ClipTextOutput } from "../clip/clip-text-model.js";
import type { TextTokenizer } from "../tokenizers/text-tokenizer.js";
import { clipLength } from "./clip-length.js";
import type { PromptCondition, PromptEncoder } from "./prompt-encoder.js";

/** A text encoder and the tokenizer that it was trained with. */
export interface ClipPair {
  tokenizer: TextTokenizer;
  encoder: ClipTextModel;
}

/**
 * Prompts for SDXL: the last states but one of two CLIPs side by side, and the vector of the second, as in
 * `StableDiffusionXLPipeline.encode_prompt`.
 */
export class StableDiffusionXlPrompts implements PromptEncoder {
  /** @param zeros "no prompt" is zeros, not the empty prompt: `force_zeros_for_empty_prompt` */
  constructor(
    private readonly pairs: readonly [ClipPair, ClipPair],
    private readonly zeros: boolean,
  ) {}

  encode(prompts: readonly string[]): { condition: PromptCondition; cut: number[] } {
    return noGrad(() =>
      scope(() => {
        const [first, second] = this.pairs.map((pair) => encodePair(pair, prompts)) as [Encoded, Encoded];
        return {
          condition: { text: cat([first.states, second.states], 2), pooled: vectorOf(second.output) },
          cut: either(first.cut, second.cut),
        };
      }),
    );
  }

  none(count: number): PromptCondition {
    return scope(() => {
      const { text, pooled } = this.encode(Array<string>(count).fill(""))
        .condition as Required<PromptCondition>;
      return this.zeros ? { text: zerosLike(text), pooled: zerosLike(pooled) } : { text, pooled };
    });
  }

  dispose(): void {
    for (const { encoder } of this.pairs) encoder.dispose();
  }
}

/** A prompt by one CLIP. */
export interface Encoded {
  /** the last states but one, `[N, L, C]` */
  states: Tensor;
  output: ClipTextOutput;
  cut: number[];
}

/** Prompts by one CLIP, padded to its full length. */
export function encodePair({ tokenizer, encoder }: ClipPair, prompts: readonly string[]): Encoded {
  const { ids, cut } = tokenizer.encode(prompts, { length: clipLength(tokenizer, encoder) });
  const output = encoder.forward(ids);
  return { states: output.states.at(-2)!, output, cut };
}

/** The projected vector. @throws DisbackError if the encoder has no projection */
export function vectorOf({ projected }: ClipTextOutput): Tensor {
  if (projected) return projected;
  throw new DisbackError("text encoder: CLIPTextModelWithProjection is needed, this one has no projection");
}

/** Places that are in one list or the other, in order. */
export function either(...lists: readonly number[][]): number[] {
  return [...new Set(lists.flat())].sort((a, b) => a - b);
}

/**
 * What SDXL is told about a picture's size: original height and width, top and left of the crop, target height and width.
 * Default: nothing was cropped or scaled.
 * @returns `[count, 6]`
 */
export function sdxlSizes(count: number, height: number, width: number): Tensor {
  return tensor([[height, width, 0, 0, height, width]]).repeat([count, 1]);
}

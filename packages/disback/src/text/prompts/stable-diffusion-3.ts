import { cat, noGrad, ops, scope, type Tensor, zeros } from "@disback/torch";
import type { T5EncoderModel } from "../t5/t5-encoder-model.js";
import type { TextTokenizer } from "../tokenizers/text-tokenizer.js";
import type { PromptCondition, PromptEncoder } from "./prompt-encoder.js";
import { type ClipPair, either, encodePair, vectorOf } from "./stable-diffusion-xl.js";

/** T5 and its tokenizer. */
export interface T5Pair {
  tokenizer: TextTokenizer;
  encoder: T5EncoderModel;
  /** tokens that a prompt is padded or cut to */
  length: number;
}

/**
 * Prompts for Stable Diffusion 3: two CLIPs' states side by side, filled up with zeros to T5's width, then T5's states
 * behind them; the vectors of both CLIPs. As in `StableDiffusion3Pipeline.encode_prompt`.
 */
export class StableDiffusion3Prompts implements PromptEncoder {
  /**
   * @param t5 null for a pipeline from which it was left out to save memory: zeros stand for it
   * @param width of the text states that the network takes
   * @param length of T5's part
   */
  constructor(
    private readonly clips: readonly [ClipPair, ClipPair],
    private readonly t5: T5Pair | null,
    private readonly width: number,
    private readonly length: number,
  ) {}

  encode(prompts: readonly string[]): { condition: PromptCondition; cut: number[] } {
    return noGrad(() =>
      scope(() => {
        const [first, second] = [encodePair(this.clips[0], prompts), encodePair(this.clips[1], prompts)];
        const both = cat([first.states, second.states], 2);
        const filled = ops.constant_pad_nd(both, [0, this.width - both.shape[2]!]);
        const long = this.t5 ? encodeT5(this.t5, prompts) : { states: this.noT5(filled), cut: [] };
        return {
          condition: {
            text: cat([filled, long.states.to(filled.dtype)], 1),
            pooled: cat([vectorOf(first.output), vectorOf(second.output)], 1),
          },
          cut: this.t5 ? long.cut : either(first.cut, second.cut),
        };
      }),
    );
  }

  none(count: number): PromptCondition {
    return this.encode(Array<string>(count).fill("")).condition;
  }

  dispose(): void {
    for (const { encoder } of [...this.clips, ...(this.t5 ? [this.t5] : [])]) encoder.dispose();
  }

  private noT5(like: Tensor): Tensor {
    const { dtype, device } = like;
    return zeros([like.shape[0]!, this.length, this.width], { dtype, device });
  }
}

/** Prompts by T5, all tokens of which count, padding too: as diffusers has it. */
export function encodeT5(
  { tokenizer, encoder, length }: T5Pair,
  prompts: readonly string[],
): { states: Tensor; cut: number[] } {
  const { ids, cut } = tokenizer.encode(prompts, { length });
  return { states: encoder.forward(ids), cut };
}

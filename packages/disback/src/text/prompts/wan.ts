import { noGrad, scope } from "@disback/torch";
import type { PromptCondition, PromptEncoder } from "./prompt-encoder.js";
import type { T5Pair } from "./stable-diffusion-3.js";

/**
 * Prompts for Wan: UMT5's states, zeros behind a prompt's end, as in `WanPipeline.encode_prompt`. The original also repairs
 * wrongly decoded characters (ftfy) and `&amp;` and the like; here a prompt is taken as it is.
 */
export class WanPrompts implements PromptEncoder {
  constructor(private readonly umt5: T5Pair) {}

  encode(prompts: readonly string[]): { condition: PromptCondition; cut: number[] } {
    const { tokenizer, encoder, length } = this.umt5;
    return noGrad(() =>
      scope(() => {
        const { ids, mask, cut } = tokenizer.encode(prompts, { length });
        const states = encoder.forward(ids, mask);
        return { condition: { text: states.mul(mask.unsqueeze(2).to(states.dtype)) }, cut };
      }),
    );
  }

  none(count: number): PromptCondition {
    return this.encode(Array<string>(count).fill("")).condition;
  }

  dispose(): void {
    this.umt5.encoder.dispose();
  }
}

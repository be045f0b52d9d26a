import { noGrad, scope } from "@disback/torch";
import type { ClipTextModel } from "../clip/clip-text-model.js";
import type { TextTokenizer } from "../tokenizers/text-tokenizer.js";
import { clipLength } from "./clip-length.js";
import type { PromptCondition, PromptEncoder } from "./prompt-encoder.js";

/** Prompts for Stable Diffusion 1 and 2: the last states of CLIP, as in `StableDiffusionPipeline.encode_prompt`. */
export class StableDiffusionPrompts implements PromptEncoder {
  constructor(
    private readonly tokenizer: TextTokenizer,
    private readonly encoder: ClipTextModel,
  ) {}

  encode(prompts: readonly string[]): { condition: PromptCondition; cut: number[] } {
    return noGrad(() =>
      scope(() => {
        const length = clipLength(this.tokenizer, this.encoder);
        const { ids, cut } = this.tokenizer.encode(prompts, { length });
        return { condition: { text: this.encoder.forward(ids).last }, cut };
      }),
    );
  }

  none(count: number): PromptCondition {
    return this.encode(Array<string>(count).fill("")).condition;
  }

  dispose(): void {
    this.encoder.dispose();
  }
}

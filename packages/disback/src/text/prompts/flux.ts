import { noGrad, scope } from "@disback/torch";
import type { PromptCondition, PromptEncoder } from "./prompt-encoder.js";
import { encodeT5, type T5Pair } from "./stable-diffusion-3.js";
import { type ClipPair, encodePair } from "./stable-diffusion-xl.js";

/** Prompts for Flux: T5's states, and the last state of CLIP at the prompt's end, as in `FluxPipeline.encode_prompt`. */
export class FluxPrompts implements PromptEncoder {
  constructor(
    private readonly clip: ClipPair,
    private readonly t5: T5Pair,
  ) {}

  encode(prompts: readonly string[]): { condition: PromptCondition; cut: number[] } {
    return noGrad(() =>
      scope(() => {
        const { states, cut } = encodeT5(this.t5, prompts);
        return { condition: { text: states, pooled: encodePair(this.clip, prompts).output.pooled }, cut };
      }),
    );
  }

  none(count: number): PromptCondition {
    return this.encode(Array<string>(count).fill("")).condition;
  }

  dispose(): void {
    this.clip.encoder.dispose();
    this.t5.encoder.dispose();
  }
}

import type { Tensor } from "@disback/torch";

/** What a network is told about prompts; the batch comes first. */
export interface PromptCondition {
  /** states of the text encoders `[N, L, D]` */
  text: Tensor;
  /** the prompt as one vector `[N, P]`, if the network takes one */
  pooled?: Tensor;
}

/** Prompts in a form that a network for pictures takes, by its own encoders. */
export interface PromptEncoder {
  /**
   * @param prompts one or more
   * @returns the condition, without gradients, and which prompts were cut because they are too long, by their place
   */
  encode(prompts: readonly string[]): { condition: PromptCondition; cut: number[] };
  /** What stands for "no prompt" when a picture is guided away from it. @param count rows */
  none(count: number): PromptCondition;
  /** Releases the encoders. */
  dispose(): void;
}

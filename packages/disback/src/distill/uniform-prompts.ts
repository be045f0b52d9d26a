import { type Device, type Generator, keep, randint, type Tensor } from "@disback/torch";
import type { Condition } from "../models/condition.js";
import type { PromptTokens } from "../text/prompt-tokens.js";
import type { ConditionSource } from "./condition-source.js";

/** Prompts drawn uniformly, as `tokens [N, L]`. */
export class UniformPrompts implements ConditionSource {
  private readonly tokens: Tensor;

  constructor(prompts: PromptTokens, device: Device = "cpu") {
    this.tokens = keep(prompts.all(device));
  }

  draw(count: number, generator: Generator): Condition {
    const { device } = this.tokens;
    const places = randint(0, this.tokens.shape[0]!, [count], { generator, device });
    return { tokens: this.tokens.indexSelect(0, places) };
  }
}

import { arange, type Device, type Generator, randint } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { type Condition, classesOf } from "../models/condition.js";
import type { ModelFacts } from "../models/facts.js";
import { PromptTokens } from "../text/prompt-tokens.js";
import { UniformPrompts } from "./uniform-prompts.js";

/** Draws the conditions that students are trained with. */
export interface ConditionSource {
  /** @returns conditions for `count` samples on the generator's device; `undefined` for an unconditional student */
  draw(count: number, random: Generator): Condition | undefined;
}

/** For unconditional students. */
export const noConditions: ConditionSource = { draw: () => undefined };

/** Classes drawn uniformly, one-hot `class [N, K]`. */
export class UniformClasses implements ConditionSource {
  constructor(
    readonly classes: number,
    private readonly device: Device = "cpu",
  ) {}

  draw(count: number, generator: Generator): Condition {
    const { device } = this;
    // one_hot would read the classes back to the CPU to check their range.
    const drawn = randint(0, this.classes, [count, 1], { generator, device });
    return { class: drawn.eq(arange(0, this.classes, 1, { dtype: "int64", device })).float() };
  }
}

/**
 * The default source for a model's facts: uniform classes, the prompts that the model was trained with, or no condition.
 * @throws DisbackError if the model takes another condition, which only its user can draw
 */
export function conditionSourceOf({ condition, text }: ModelFacts, device: Device): ConditionSource {
  if (condition.tokens && text) return new UniformPrompts(new PromptTokens(text.prompts, text), device);
  const other = Object.keys(condition).find((name) => name !== "class");
  if (other !== undefined)
    throw new DisbackError(`student: "conditions" must be given, because its model takes "${other}"`);
  const classes = classesOf({ condition });
  return classes > 0 ? new UniformClasses(classes, device) : noConditions;
}

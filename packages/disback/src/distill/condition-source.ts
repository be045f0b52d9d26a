import {
  arange,
  type Device,
  type Generator,
  keep,
  rand,
  randint,
  type Tensor,
  tensor,
} from "@disback/torch";
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

/** Tasks drawn uniformly, and in each its classes, one-hot `class [N, K]`. */
export class UniformTasks implements ConditionSource {
  /** where each class's part of [0, 1) begins and ends, `[K]` */
  private readonly begins: Tensor;
  private readonly ends: Tensor;

  /** @param tasks number of each task's classes, in the order of the classes */
  constructor(
    tasks: Readonly<Record<string, number>>,
    private readonly device: Device = "cpu",
  ) {
    const sizes = Object.values(tasks);
    const parts = sizes.flatMap((size, task) =>
      Array.from({ length: size }, (_, place) => (task + place / size) / sizes.length),
    );
    this.begins = keep(tensor(parts, { device }));
    this.ends = keep(tensor([...parts.slice(1), 1], { device }));
  }

  draw(count: number, generator: Generator): Condition {
    const place = rand([count, 1], { generator, device: this.device });
    return { class: place.ge(this.begins).logicalAnd(place.lt(this.ends)).float() };
  }
}

/**
 * The default source for a model's facts: uniform tasks, uniform classes, the prompts that the model was trained with, or no condition.
 * @throws DisbackError if the model takes another condition, which only its user can draw
 */
export function conditionSourceOf({ condition, text, tasks }: ModelFacts, device: Device): ConditionSource {
  if (condition.tokens && text) return new UniformPrompts(new PromptTokens(text.prompts, text), device);
  const other = Object.keys(condition).find((name) => name !== "class");
  if (other !== undefined)
    throw new DisbackError(`student: "conditions" must be given, because its model takes "${other}"`);
  if (tasks) return new UniformTasks(tasks, device);
  const classes = classesOf({ condition });
  return classes > 0 ? new UniformClasses(classes, device) : noConditions;
}

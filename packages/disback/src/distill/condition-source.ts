import { arange, type Device, type Generator, randint } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { type Condition, classesOf } from "../models/condition.js";
import type { ModelFacts } from "../models/facts.js";

/** Draws what students are told while they are trained. */
export interface ConditionSource {
  /** @returns conditions of `count` samples on the generator's device; `undefined` where nothing is told */
  draw(count: number, random: Generator): Condition | undefined;
}

/** For students that are told nothing. */
export const noConditions: ConditionSource = { draw: () => undefined };

/** Classes drawn uniformly, one-hot `class [N, K]`. */
export class UniformClasses implements ConditionSource {
  constructor(
    readonly classes: number,
    private readonly device: Device = "cpu",
  ) {}

  draw(count: number, generator: Generator): Condition {
    const { device } = this;
    // Not one_hot, which reads the classes to look at their range.
    const drawn = randint(0, this.classes, [count, 1], { generator, device });
    return { class: drawn.eq(arange(0, this.classes, 1, { dtype: "int64", device })).float() };
  }
}

/**
 * The source that goes with a model's facts: classes uniformly, or nothing.
 * @throws DisbackError if the model is told something else, which only its user can draw
 */
export function conditionSourceOf({ condition }: ModelFacts, device: Device): ConditionSource {
  const other = Object.keys(condition).find((name) => name !== "class");
  if (other !== undefined)
    throw new DisbackError(`student: "conditions" must be given: its model is told "${other}"`);
  const classes = classesOf({ condition });
  return classes > 0 ? new UniformClasses(classes, device) : noConditions;
}

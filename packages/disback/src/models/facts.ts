import type { PromptReader } from "@disback/generate/core";
import { DisbackError } from "../errors.js";
import { type ConditionShapes, classesOf, describeCondition } from "./condition.js";

/** The facts of a model. They travel with the model, so they are given only once. */
export interface ModelFacts {
  /** shape of one sample, `[C, H, W]` for images, `[D]` for points */
  readonly sampleShape: readonly number[];
  /** standard deviation of the data, > 0; loss weights and preconditioning depend on it */
  readonly sigmaData: number;
  /** shapes of one sample's condition; `{}` for none */
  readonly condition: ConditionShapes;
  /** names of the classes in order, if they have names */
  readonly classNames?: readonly string[];
  /** of a model for several tasks: how many of the classes are each's, by name and in order; tasks are drawn equally often */
  readonly tasks?: Readonly<Record<string, number>>;
  /** how it reads prompts, if it is told `tokens` */
  readonly text?: TextFacts;
}

/** How a model reads prompts. */
export interface TextFacts extends PromptReader {
  /** prompts that it was trained with; it draws and learns from them if no others are given */
  readonly prompts: readonly string[];
}

/** Whether a model is told prompts, by its own reader or by a pipeline's encoders. */
export function isPrompted({ text, condition }: ModelFacts): boolean {
  return text !== undefined || condition.text !== undefined;
}

/**
 * @param value facts of a user's module
 * @param origin file name for the message
 * @throws DisbackError naming origin and field
 */
export function requireFacts(value: unknown, origin: string): ModelFacts {
  const facts = (value ?? {}) as Partial<ModelFacts>;
  const { sampleShape, sigmaData, condition = {}, classNames, tasks } = facts;
  if (!isShape(sampleShape))
    throw new DisbackError(
      `${origin}: facts.sampleShape must be a list of whole numbers, the shape of one sample`,
    );
  if (typeof sigmaData !== "number" || !(sigmaData > 0 && Number.isFinite(sigmaData)))
    throw new DisbackError(
      `${origin}: facts.sigmaData must be a number above 0, the standard deviation of the data`,
    );
  if (typeof condition !== "object" || condition === null || !Object.values(condition).every(isShape))
    throw new DisbackError(
      `${origin}: facts.condition must hold a shape by name, as { class: [10] }; {} for none`,
    );
  if (classNames !== undefined && classNames.length !== classesOf({ condition }))
    throw new DisbackError(
      `${origin}: facts.classNames must name each of the ${classesOf({ condition })} classes`,
    );
  const classes = Object.values(tasks ?? {}).reduce((sum, share) => sum + share, 0);
  if (tasks !== undefined && classes !== classesOf({ condition }))
    throw new DisbackError(
      `${origin}: facts.tasks must tell how many of the ${classesOf({ condition })} classes are each's, as { digits: 10, clothes: 10 }`,
    );
  return {
    ...{ sampleShape, sigmaData, condition },
    ...(classNames ? { classNames } : {}),
    ...(tasks ? { tasks } : {}),
  };
}

/** Checks that two models have the same samples and condition. @throws DisbackError naming what differs */
export function requireSameKind(student: ModelFacts, teacher: ModelFacts, who = "student"): void {
  if (student.sampleShape.join() !== teacher.sampleShape.join())
    throw new DisbackError(
      `${who}: makes samples of shape [${student.sampleShape.join(", ")}], the teacher [${teacher.sampleShape.join(", ")}]`,
    );
  const [own, theirs] = [describeCondition(student.condition), describeCondition(teacher.condition)];
  if (own !== theirs) throw new DisbackError(`${who}: takes ${own}, the teacher ${theirs}`);
  const [ownTasks, theirTasks] = [describeTasks(student), describeTasks(teacher)];
  if (ownTasks !== theirTasks) throw new DisbackError(`${who}: knows ${ownTasks}, the teacher ${theirTasks}`);
}

/** `tasks clothes [10], digits [10]` */
function describeTasks({ tasks }: ModelFacts): string {
  if (!tasks) return "no tasks";
  return `tasks ${Object.entries(tasks)
    .map(([name, classes]) => `${name} [${classes}]`)
    .join(", ")}`;
}

function isShape(value: unknown): value is readonly number[] {
  return (
    Array.isArray(value) && value.length > 0 && value.every((size) => Number.isInteger(size) && size > 0)
  );
}

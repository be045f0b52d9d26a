import { DisbackError } from "../errors.js";
import { type ConditionShapes, classesOf, describeCondition } from "./condition.js";

/** What a model says of itself. It travels with the model: nobody gives it a second time. */
export interface ModelFacts {
  /** shape of one sample, `[C, H, W]` for images, `[D]` for points */
  readonly sampleShape: readonly number[];
  /** standard deviation of the data, > 0: weights of losses and preconditioning go by it */
  readonly sigmaData: number;
  /** shapes of what it is told about each sample; `{}` for nothing */
  readonly condition: ConditionShapes;
  /** names of the classes in their order, if it is told classes that have names */
  readonly classNames?: readonly string[];
}

/**
 * @param value what a module of a user's own says of itself
 * @param origin where it comes from, for the message: a file's name
 * @throws DisbackError naming origin and field
 */
export function requireFacts(value: unknown, origin: string): ModelFacts {
  const facts = (value ?? {}) as Partial<ModelFacts>;
  const { sampleShape, sigmaData, condition = {}, classNames } = facts;
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
  return { sampleShape, sigmaData, condition, ...(classNames ? { classNames } : {}) };
}

/** @throws DisbackError unless two models make and are told the same, naming what differs */
export function requireSameKind(student: ModelFacts, teacher: ModelFacts, who = "student"): void {
  if (student.sampleShape.join() !== teacher.sampleShape.join())
    throw new DisbackError(
      `${who}: makes samples [${student.sampleShape.join(", ")}], the teacher [${teacher.sampleShape.join(", ")}]`,
    );
  const [own, theirs] = [describeCondition(student.condition), describeCondition(teacher.condition)];
  if (own !== theirs) throw new DisbackError(`${who}: is told ${own}, the teacher ${theirs}`);
}

function isShape(value: unknown): value is readonly number[] {
  return (
    Array.isArray(value) && value.length > 0 && value.every((size) => Number.isInteger(size) && size > 0)
  );
}

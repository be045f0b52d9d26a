import type { Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { type Condition, classesOf } from "../condition.js";
import type { ModelFacts } from "../facts.js";

/** The classes of a model of several tasks, `[N, K]` or `[1, K]`. @throws DisbackError without them, or of another shape */
export function requireTaskLabels(condition: Condition | undefined, facts: ModelFacts): Tensor {
  const labels = condition?.class;
  if (!labels)
    throw new DisbackError(
      `condition: one of the tasks must be chosen: ${Object.keys(facts.tasks!).join(", ")}`,
    );
  const classes = classesOf(facts);
  if (labels.ndim !== 2 || labels.shape[1] !== classes)
    throw new DisbackError(`condition: expected class [N, ${classes}], got [${labels.shape.join(", ")}]`);
  return labels;
}

import type { DType, Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { inDtype } from "../network.js";

/** What a transformer for pictures from text is told besides the time; the batch comes first. */
export interface TransformerCondition {
  /** states of the text encoders `[N, L, D]` */
  text: Tensor;
  /** the text as one vector `[N, P]` */
  pooled?: Tensor | undefined;
  /** the scale that a network distilled from guidance works at, `[N]` or `[1]` */
  guidance?: Tensor | undefined;
}

/** A part of the condition in the network's dtype. @throws DisbackError if it is missing */
export function needed(
  condition: TransformerCondition,
  part: keyof TransformerCondition,
  dtype: DType,
): Tensor {
  const given = condition[part];
  if (!given) throw new DisbackError(`condition: "${part}" is missing, which this network needs`);
  return inDtype(given, dtype);
}

import { DisbackError } from "../../errors.js";
import type { LabelValue } from "../labels.js";

/** Names of fields and columns that hold the label or the caption, likeliest first. */
const labelFields = ["label", "labels", "class", "cls", "class_label", "fine_label", "target", "category"];
const captionFields = ["text", "caption", "captions", "prompt", "txt", "description"];

/** Which of a record's fields are used. */
export interface ChosenFields {
  label: string | undefined;
  caption: string | undefined;
  /** neither */
  others: string[];
}

/** Finds label and caption among the names of fields or columns. */
export function chooseFields(names: Iterable<string>): ChosenFields {
  const all = [...names];
  const first = (wanted: readonly string[]): string | undefined =>
    wanted
      .map((name) => all.find((field) => field.toLowerCase() === name))
      .find((field) => field !== undefined);
  const [label, caption] = [first(labelFields), first(captionFields)];
  return { label, caption, others: all.filter((name) => name !== label && name !== caption) };
}

/** Values of labels and captions by sample; a list is absent where the data has none. */
export interface Annotations {
  labels?: LabelValue[];
  captions?: string[];
  /** whether the data state that there are no labels */
  unlabelled?: boolean;
}

/**
 * A value of a record as a label: a number, a name, or a list of numbers.
 * @param where file and sample, for the error
 * @throws DisbackError if it is not a label
 */
export function toLabelValue(value: unknown, where: string): LabelValue {
  const known = typeof value === "bigint" || typeof value === "boolean" ? Number(value) : value;
  if (typeof known === "number" || (typeof known === "string" && known !== "")) return known;
  if (Array.isArray(known) && known.length > 0) {
    const numbers = known.map((part) => (typeof part === "bigint" ? Number(part) : part));
    if (numbers.every((part) => typeof part === "number")) return numbers;
  }
  throw new DisbackError(`${where}: ${JSON.stringify(value) ?? "nothing"} is not a label`);
}

/** A value of a record as a caption: a text, the first of a list of texts, or "" for anything else. */
export function toCaption(value: unknown): string {
  const first = Array.isArray(value) ? value[0] : value;
  return typeof first === "string" ? first : "";
}

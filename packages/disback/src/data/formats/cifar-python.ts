import { DisbackError } from "../../errors.js";
import { numpyGlobals } from "../../import/pickle/numpy-globals.js";
import { NumpyArray } from "../../import/pickle/numpy-values.js";
import { pythonGlobals } from "../../import/pickle/python-globals.js";
import { readPickle } from "../../import/pickle/read-pickle.js";
import type { PickleValue } from "../../import/pickle/values.js";

/** Images of one file, as CIFAR stores them. */
export interface CifarBatch {
  side: number;
  /** one per image; absent where the file has none */
  labels?: number[];
  /** planes of red, green and blue */
  images: Uint8Array[];
  /** number of classes of its kind; absent if unknown */
  classCount?: number;
  notes?: string[];
}

/** Fields by name; Python 2 wrote the names as bytes. */
function readFields(bytes: Uint8Array, name: string): Map<string, PickleValue> {
  const globals = (global: string) => pythonGlobals(global) ?? numpyGlobals(global);
  const { value } = readPickle(bytes, { name, globals });
  if (!(value instanceof Map)) throw new DisbackError(`${name} is a pickle, but not one of CIFAR's`);
  return new Map([...value].map(([key, field]) => [textOf(key), field]));
}

const textOf = (value: PickleValue): string =>
  value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value);

/**
 * The images and labels of a pickled batch: `data` uint8 `[N, 3 S S]`, and `labels` or `fine_labels`. Nothing in the
 * pickle is run.
 * @throws DisbackError naming the file if it is damaged or holds something else
 */
export function parsePythonBatch(bytes: Uint8Array, name: string): CifarBatch {
  const fields = readFields(bytes, name);
  const data = fields.get("data");
  if (!(data instanceof NumpyArray) || data.type.kind !== "u1" || data.shape.length < 2)
    throw new DisbackError(`${name} is a pickle, but has no "data" of bytes as CIFAR's have`);
  const [count, ...rest] = data.shape as [number, ...number[]];
  const size = rest.reduce((product, length) => product * length, 1);
  const side = Math.sqrt(size / 3);
  if (!Number.isInteger(side) || side === 0 || data.fortran)
    throw new DisbackError(
      `${name}: "data" of shape [${data.shape.join(", ")}] holds no square colour images`,
    );
  const images = Array.from({ length: count }, (_, index) =>
    data.bytes.subarray(index * size, (index + 1) * size),
  );
  const fine = fields.get("fine_labels");
  const labels = labelsOf(fine ?? fields.get("labels"), name);
  if (labels && labels.length !== count)
    throw new DisbackError(`${name} holds ${labels.length} labels, but ${count} images`);
  // The small ImageNet counts its classes from 1 to 1000; its training files alone have all of them.
  const fromOne = /(train_data(_batch_\d+)?|val_data)$/.test(name) && labels?.every((label) => label >= 1);
  const numbers = fromOne ? labels!.map((label) => label - 1) : labels;
  const classCount = fine ? 100 : /(^|\/)(data_batch_\d+|test_batch)$/.test(name) ? 10 : undefined;
  return {
    side,
    images,
    ...(numbers ? { labels: numbers } : {}),
    ...(classCount ? { classCount } : {}),
    ...(fromOne ? { notes: ["the labels count from 1: label 1 is class 0"] } : {}),
  };
}

function labelsOf(value: PickleValue | undefined, name: string): number[] | undefined {
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((label) => typeof label === "number")) return value as number[];
  throw new DisbackError(`${name}: its labels are not a list of numbers`);
}

/** The class names in `batches.meta` (CIFAR-10) or `meta` (CIFAR-100). */
export function parsePythonNames(bytes: Uint8Array, name: string): string[] {
  const fields = readFields(bytes, name);
  const names = fields.get("fine_label_names") ?? fields.get("label_names");
  if (!Array.isArray(names)) throw new DisbackError(`${name} holds no list of class names`);
  return names.map(textOf);
}

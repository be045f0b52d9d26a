import { createHash } from "node:crypto";
import type { Dataset } from "../../data/dataset.js";
import { emptyClasses } from "../../data/empty-classes.js";
import { shortNumber } from "../wording.js";

/** Number of examined samples: enough for ranges and copies, and still quick. */
const looked = 4096;
const batchSize = 64;

/** Statistics of the values of a data set. */
export interface ValueSurvey {
  /** number of examined samples, evenly spread */
  looked: number;
  /** range: bytes (0 to 255) for images, coordinates for points */
  least: number;
  greatest: number;
  mean: number;
  /** number of exact copies of another sample */
  copies: number;
  /** number of images of a single colour */
  plain: number;
}

/** Reads samples evenly spread over a data set, or all of a small one. */
export async function surveyValues(dataset: Dataset): Promise<ValueSurvey> {
  const count = Math.min(dataset.length, looked);
  const indices = Array.from({ length: count }, (_, place) => Math.floor((place * dataset.length) / count));
  const isImage = dataset.sampleShape.length >= 3;
  const found: ValueSurvey = {
    looked: count,
    least: Number.POSITIVE_INFINITY,
    greatest: Number.NEGATIVE_INFINITY,
    mean: 0,
    copies: 0,
    plain: 0,
  };
  const seen = new Set<string>();
  for (let start = 0; start < count; start += batchSize) {
    const { samples } = await dataset.read(indices.slice(start, start + batchSize));
    const rows = Math.min(batchSize, count - start);
    const size = samples.length / rows;
    for (let row = 0; row < rows; row++) {
      const sample = samples.subarray(row * size, (row + 1) * size);
      const hash = createHash("sha256").update(sample).digest("base64");
      if (seen.has(hash)) found.copies++;
      seen.add(hash);
      if (isImage && isPlain(sample, dataset.sampleShape[0]!)) found.plain++;
      for (const stored of sample) {
        const value = isImage ? Math.round((stored + 1) * 127.5) : stored;
        found.least = Math.min(found.least, value);
        found.greatest = Math.max(found.greatest, value);
        found.mean += value / (count * size);
      }
    }
  }
  return found;
}

/** Whether each channel is constant. */
function isPlain(sample: Float32Array, channels: number): boolean {
  const plane = sample.length / channels;
  return sample.every((value, index) => value === sample[Math.floor(index / plane) * plane]);
}

/** What would spoil a training, one line each. */
export function warningsAbout(dataset: Dataset, values: ValueSurvey): string[] {
  const warnings: string[] = [];
  const { least, greatest, copies, plain } = values;
  const say = (count: number): string => {
    const all = values.looked.toLocaleString("en");
    return count === values.looked ? `all ${all} samples` : `${count.toLocaleString("en")} of ${all} samples`;
  };
  if (values.looked > 1 && copies === values.looked - 1) warnings.push("all samples are equal");
  else if (copies > values.looked / 100) warnings.push(`${say(copies)} are exact copies of others`);
  if (dataset.sampleShape.length >= 3) {
    if (plain > values.looked / 20) warnings.push(`${say(plain)} have a single colour`);
    if (greatest <= 16) warnings.push(`all pixels are nearly black (0 to ${shortNumber(greatest)} of 255)`);
    else if (least >= 239)
      warnings.push(`all pixels are nearly white (from ${shortNumber(least)} of 255 on)`);
    else if (greatest - least < 64)
      warnings.push(`pixels only range from ${shortNumber(least)} to ${shortNumber(greatest)} of 255`);
  }
  const empty = emptyClasses(dataset);
  if (empty) warnings.push(empty);
  const filled = (dataset.classCounts ?? []).filter((count) => count > 0);
  const [few, most] = [Math.min(...filled), Math.max(...filled)];
  if (filled.length > 1 && most > 20 * few)
    warnings.push(
      `classes of very different sizes: ${few.toLocaleString("en")} to ${most.toLocaleString("en")}`,
    );
  return warnings;
}

/** A class's name, or its number without a name. */
export const nameOfClass = ({ classNames }: Dataset, label: number): string =>
  classNames?.[label] ?? String(label);

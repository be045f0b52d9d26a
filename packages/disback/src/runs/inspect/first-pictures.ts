import { cat, full, scope, type Tensor } from "@disback/torch";
import sharp from "sharp";
import type { Dataset } from "../../data/dataset.js";
import { writeFrames } from "../../data/output/clips.js";
import { gridPng } from "../../data/output/grid.js";
import { writeScatter } from "../../data/output/scatter.js";
import { writeTextPicture } from "../../data/output/texts.js";
import { titleSvg } from "../../data/output/title.js";
import { toUint8Images } from "../../data/output/uint8-images.js";
import { DisbackError } from "../../errors.js";
import { textsOf } from "../../text/language/codecs.js";
import type { Language } from "../../text/language/language.js";
import { nameOfClass } from "./survey.js";

const columns = 8;
const rowsShown = 24;
const labelWidth = 120;
const padding = 4;

/**
 * Writes the first samples of a data set as a PNG: a row of 8 with its name for each of up to 24 classes, or 64 images
 * without classes. Clips move. 2-D points become a scatter plot.
 * @throws DisbackError for points of other dimensions, or naming the file if it cannot be written
 */
export async function writeFirstPictures(path: string, dataset: Dataset): Promise<void> {
  if (dataset.text) return writeFirstTexts(path, dataset, dataset.text.language);
  if (dataset.sampleShape.length < 3) return writePoints(path, dataset);
  const { classes } = dataset;
  if (!classes) {
    const count = Math.min(dataset.length, columns * columns);
    const indices = Array.from({ length: count }, (_, index) => index);
    return writeFrames(path, await drawGrids(dataset, indices));
  }
  const rows = firstOfClasses(classes, dataset.labelDim);
  const grids = await drawGrids(
    dataset,
    rows.flatMap(({ indices }) => Array.from({ length: columns }, (_, place) => indices[place])),
  );
  const names = rows.map(({ label }) => nameOfClass(dataset, label));
  await writeFrames(path, await Promise.all(grids.map((grid) => withNames(grid, names))));
}

/** The name of each row on its left. */
async function withNames(grid: Buffer, names: readonly string[]): Promise<Buffer> {
  const { width, height } = await sharp(grid).metadata();
  const step = (height - padding) / names.length;
  const labels = names.map((name, row) => ({
    input: titleSvg(name, labelWidth, Math.round(step)),
    left: 0,
    top: Math.round(padding + row * step),
  }));
  return sharp({ create: { width: width + labelWidth, height, channels: 3, background: "white" } })
    .composite([{ input: grid, left: labelWidth, top: 0 }, ...labels])
    .png()
    .toBuffer();
}

async function writeFirstTexts(path: string, dataset: Dataset, language: Language): Promise<void> {
  const count = Math.min(dataset.length, columns);
  const { samples } = await dataset.batch(Array.from({ length: count }, (_, index) => index));
  await writeTextPicture(path, textsOf(samples, language));
  samples.dispose();
}

async function writePoints(path: string, dataset: Dataset): Promise<void> {
  if (dataset.sampleShape[0] !== 2)
    throw new DisbackError(`${path}: points of ${dataset.sampleShape[0]} dimensions are not drawn`);
  const { samples, labels } = await dataset.batch(
    Array.from({ length: Math.min(dataset.length, 5000) }, (_, index) => index),
  );
  labels?.dispose();
  const extent = scope(() => samples.abs().max().item() as number);
  await writeScatter(path, samples, { extent: Math.max(extent * 1.05, 1e-6), title: dataset.name });
  samples.dispose();
}

interface ClassRow {
  label: number;
  /** samples of the class, at most one row */
  indices: number[];
}

function firstOfClasses(classes: ArrayLike<number>, count: number): ClassRow[] {
  const rows: ClassRow[] = Array.from({ length: Math.min(count, rowsShown) }, (_, label) => ({
    label,
    indices: [],
  }));
  let missing = rows.length * columns;
  for (let index = 0; index < classes.length && missing > 0; index++) {
    const indices = rows[classes[index]!]?.indices;
    if (!indices || indices.length === columns) continue;
    indices.push(index);
    missing--;
  }
  return rows;
}

/**
 * A grid of the samples: for clips one for each frame.
 * @param indices a cell without a sample stays white
 */
async function drawGrids(dataset: Dataset, indices: readonly (number | undefined)[]): Promise<Buffer[]> {
  const present = indices.filter((index) => index !== undefined);
  const { samples, labels } = await dataset.batch(present);
  labels?.dispose();
  let row = 0;
  const frames = scope(() => {
    const blank = full([1, ...dataset.sampleShape], 1);
    const cells = cat(
      indices.map((index): Tensor => (index === undefined ? blank : samples.narrow(0, row++, 1))),
    );
    const count = cells.ndim === 5 ? cells.shape[2]! : 1;
    return Array.from({ length: count }, (_, frame) =>
      toUint8Images(cells.ndim === 5 ? cells.select(2, frame) : cells),
    );
  });
  samples.dispose();
  return Promise.all(frames.map((images) => gridPng(images, { columns, padding })));
}

import { existsSync, readdirSync, statSync } from "node:fs";
import { type Dataset, openDataset, type TensorDataset } from "../../data/dataset.js";
import type { TextSource } from "../../data/formats/text.js";
import { ImageFormError } from "../../data/images/resize.js";
import { describeLeftOut } from "../../data/left-out.js";
import type { OpenOptions } from "../../data/options.js";
import type { SizeCount } from "../../data/samples.js";
import { followLong } from "../long-work.js";
import { type Progress, silent } from "../progress.js";
import { shortNumber } from "../wording.js";
import type { Description, InspectOptions } from "./description.js";
import { writeFirstPictures } from "./first-pictures.js";
import { nameOfClass, surveyValues, type ValueSurvey, warningsAbout } from "./survey.js";

/** Anything `openDataset` reads, as a training will see it. Its errors explain everything else. */
export async function describeDataset(
  path: string,
  options: InspectOptions,
  progress: Progress = silent,
): Promise<Description | undefined> {
  if (existsSync(path) && statSync(path).isDirectory() && readdirSync(path).length === 0) return undefined;
  const { dataset, chosen } = await openAnyForm(path, options, progress);
  const sizes = await dataset.storedSizes();
  const values = await surveyValues(dataset);
  const warnings = warningsAbout(dataset, values);
  const leftOut = describeLeftOut(dataset);
  const notes = [...chosen, ...dataset.notes.filter((line) => !warnings.includes(line))];
  if (options.out !== undefined) await writeFirstPictures(options.out, dataset);
  const facts: [string, string][] = [
    ["name", dataset.name],
    ["samples", dataset.length.toLocaleString("en")],
    ["shape", `[${dataset.sampleShape.join(", ")}]`],
    ...(sizes.length > 0 ? [["stored as", describeSizes(sizes)] as [string, string]] : []),
    ...(dataset.text
      ? textFacts(dataset.text)
      : ([
          ["values", describeValues(dataset, values)],
          ["classes", describeClasses(dataset)],
        ] as [string, string][])),
    ...classFacts(dataset),
    ...(dataset.captions ? [["captions", describeCaptions(dataset.captions)] as [string, string]] : []),
    ...(leftOut ? [["left out", leftOut.replace("left out: ", "")] as [string, string]] : []),
    ...notes.map((line): [string, string] => ["note", line]),
    ...warnings.map((line): [string, string] => ["warning", line]),
    ...(options.out === undefined ? [] : [["pictures", options.out] as [string, string]]),
  ];
  return {
    kind: "data set",
    facts,
    hint: dataset.text
      ? "a language model reads it as byte pairs: disback teacher train --preset gpt"
      : options.out === undefined
        ? "see the first samples: --out pictures.png"
        : undefined,
    document: {
      name: dataset.name,
      samples: dataset.length,
      shape: dataset.sampleShape,
      sizes,
      values,
      classes: dataset.classCounts?.map((count, label) => ({ name: nameOfClass(dataset, label), count })),
      labelDim: dataset.labelDim,
      captions: dataset.captions?.length,
      leftOut: dataset.leftOut,
      notes,
      warnings,
      pictures: options.out,
    },
  };
}

/** Of a text, read letter by letter. */
function textFacts({ text, language }: TextSource): [string, string][] {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const words = text.split(/\s+/).filter((word) => word !== "").length;
  const cut = (line: string) => (line.length > 70 ? `${line.slice(0, 70)}…` : line);
  return [
    [
      "text",
      `${text.length.toLocaleString("en")} characters, ${words.toLocaleString("en")} words, ${lines.length.toLocaleString("en")} lines`,
    ],
    [
      "letters",
      `${language.size}: ${JSON.stringify(language.decode(Array.from({ length: language.size }, (_, token) => token)))}`,
    ],
    ["begins", cut(lines[0]!)],
  ];
}

/** Also opens data whose images differ in size or colour, and says what a training has to choose. */
async function openAnyForm(
  path: string,
  { resolution, channels, split }: InspectOptions,
  progress: Progress,
): Promise<{ dataset: TensorDataset; chosen: string[] }> {
  const options: OpenOptions = {
    ...(resolution === undefined ? {} : { resolution }),
    ...(channels === undefined ? {} : { channels }),
    ...(split === undefined ? {} : { split }),
    skipBroken: true,
  };
  const chosen: string[] = [];
  for (;;) {
    try {
      const decoding = followLong(progress, "decoding", "images");
      const onProgress = decoding.report;
      const dataset = await openDataset(path, { ...options, onProgress }).finally(decoding.end);
      return { dataset, chosen };
    } catch (error) {
      if (!(error instanceof ImageFormError) || options[error.option] !== undefined) throw error;
      if (error.option === "channels") options.channels = 3;
      else options.resolution = 64;
      chosen.push(
        `${error.message.split(": ")[0]}: seen here ${error.option === "channels" ? "in colour" : "at 64 x 64"}`,
      );
    }
  }
}

function describeSizes(sizes: readonly SizeCount[]): string {
  const text = ({ width, height }: SizeCount): string => `${width} x ${height}`;
  const [first] = sizes;
  if (sizes.length === 1) return `${text(first!)}`;
  const areas = [...sizes].sort((a, b) => a.width * a.height - b.width * b.height);
  return `${sizes.length} sizes, ${text(areas[0]!)} to ${text(areas.at(-1)!)}, most often ${text(first!)} (${first!.count.toLocaleString("en")})`;
}

function describeValues({ sampleShape, length }: Dataset, values: ValueSurvey): string {
  const range = `${shortNumber(values.least)} to ${shortNumber(values.greatest)}, mean ${shortNumber(values.mean)}`;
  const scale = sampleShape.length >= 3 ? " of 255" : "";
  const part = values.looked < length ? `, in ${values.looked.toLocaleString("en")} samples` : "";
  return `${range}${scale}${part}`;
}

function describeClasses({ labelDim, classCounts }: Dataset): string {
  if (labelDim === 0) return "none";
  return classCounts ? String(labelDim) : `none; rows of ${labelDim} numbers (soft labels)`;
}

const classesShown = 20;

/** A line per class: its size. */
function classFacts(dataset: Dataset): [string, string][] {
  const counts = dataset.classCounts ?? [];
  const lines = counts
    .slice(0, classesShown)
    .map((count, label): [string, string] => [
      `  ${nameOfClass(dataset, label)}`,
      count.toLocaleString("en"),
    ]);
  const more = counts.length - lines.length;
  return more > 0 ? [...lines, ["  …", `${more} more`]] : lines;
}

function describeCaptions(captions: readonly string[]): string {
  const first = captions.find((caption) => caption !== "") ?? "";
  const missing = captions.filter((caption) => caption === "").length;
  const shown = first.length > 60 ? `${first.slice(0, 60)}…` : first;
  return `"${shown}", …${missing > 0 ? ` (${missing.toLocaleString("en")} samples have none)` : ""}`;
}

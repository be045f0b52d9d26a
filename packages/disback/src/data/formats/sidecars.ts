import { DisbackError } from "../../errors.js";
import { concurrently } from "../images/concurrently.js";
import type { LabelValue } from "../labels.js";
import type { Findings } from "../left-out.js";
import type { ResolvedOptions } from "../options.js";
import { type Annotations, chooseFields, toCaption, toLabelValue } from "./annotations.js";
import type { SourceFiles } from "./source-files.js";

const endings = [".cls", ".txt", ".caption", ".json"] as const;

/** The label and caption files beside one image. */
type Beside = Partial<Record<(typeof endings)[number], string>>;

/** A name without its last ending, and without all of them: `a/1.mask.png` is `a/1.mask` and, in WebDataset, `a/1`. */
const stem = (path: string): string => path.replace(/\.[^./]*$/, "");
const key = (path: string): string => path.replace(/(?<=[^/])\.[^/]*$/, "");

/** Whether a file may hold a label or caption, by its name. */
export const isSidecarName = (path: string): boolean => endings.some((ending) => path.endsWith(ending));

/** The label and caption files by image; images without any are absent. */
export function findSidecars(files: SourceFiles, images: readonly string[]): Map<string, Beside> {
  const present = new Set(files.paths.filter(isSidecarName));
  const found = new Map<string, Beside>();
  if (present.size === 0) return found;
  for (const image of images) {
    const beside: Beside = {};
    const names = files.kind === "tar" ? [stem(image), key(image)] : [stem(image)];
    for (const ending of endings) {
      const path = names.map((name) => name + ending).find((name) => present.has(name));
      if (path) beside[ending] = path;
    }
    if (Object.keys(beside).length > 0) found.set(image, beside);
  }
  return found;
}

/**
 * WebDataset's samples may have several images (`1.jpg`, `1.mask.png`): the one with the shortest name is the sample,
 * the others are counted. Only for a tar that is a WebDataset, as its label and caption files show.
 */
export function oneImagePerSample(
  files: SourceFiles,
  images: readonly string[],
  beside: ReadonlyMap<string, Beside>,
  findings: Findings,
): string[] {
  if (files.kind !== "tar" || beside.size === 0) return [...images];
  const best = new Map<string, string>();
  const sampleOf = (image: string): string =>
    Object.values(beside.get(image) ?? {}).some((path) => stem(path) === stem(image))
      ? stem(image)
      : key(image);
  for (const image of images) {
    const other = best.get(sampleOf(image));
    if (!other || image.length < other.length) best.set(sampleOf(image), image);
  }
  const isBest = (image: string): boolean => best.get(sampleOf(image)) === image;
  for (const image of images) if (!isBest(image)) findings.leaveOut("further image of a sample", image);
  return images.filter(isBest);
}

/**
 * Labels and captions in files beside the images: `.cls` (a class), `.txt` and `.caption` (a caption), `.json` (fields
 * of either), as in WebDataset.
 * @throws DisbackError naming an image that has no label among others that have one
 */
export async function readSidecars(
  files: SourceFiles,
  images: readonly string[],
  beside: ReadonlyMap<string, Beside>,
  { labels: labelsWanted, findings }: Pick<ResolvedOptions, "labels" | "findings">,
): Promise<Annotations> {
  const labels: (LabelValue | undefined)[] = [];
  const captions: (string | undefined)[] = [];
  const others = new Map<string, string>();
  const text = async (path: string): Promise<string> =>
    Buffer.from(await files.read(path))
      .toString("utf8")
      .trim();
  await concurrently(images.length, async (index) => {
    const { ".cls": cls, ".txt": txt, ".caption": caption, ".json": json } = beside.get(images[index]!) ?? {};
    if (json) {
      const fields = parseFields(await text(json), files.nameOf(json));
      const chosen = chooseFields(Object.keys(fields));
      if (chosen.label) labels[index] = toLabelValue(fields[chosen.label], files.nameOf(json));
      if (chosen.caption) captions[index] = toCaption(fields[chosen.caption]);
      for (const name of chosen.others) others.set(name, json);
    }
    if (cls) {
      const value = await text(cls);
      labels[index] = toLabelValue(/^\d+$/.test(value) ? Number(value) : value, files.nameOf(cls));
    }
    const words = txt ?? caption;
    if (words) captions[index] = await text(words);
  });
  for (const name of others.keys()) findings.leaveOut("field of .json", name);
  return {
    ...(labelsWanted && labels.length > 0 ? { labels: complete(labels, images, files) } : {}),
    ...(captions.length > 0 ? { captions: images.map((_, index) => captions[index] ?? "") } : {}),
  };
}

function complete(
  labels: readonly (LabelValue | undefined)[],
  images: readonly string[],
  files: SourceFiles,
): LabelValue[] {
  return images.map((image, index) => {
    const label = labels[index];
    if (label === undefined)
      throw new DisbackError(
        `${files.nameOf(image)} has no label beside it (.cls or .json), but others have`,
      );
    return label;
  });
}

function parseFields(text: string, where: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new DisbackError(`${where} is not valid JSON (${(error as Error).message})`);
  }
  return typeof json === "object" && json !== null && !Array.isArray(json)
    ? (json as Record<string, unknown>)
    : {};
}

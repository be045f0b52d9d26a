import { DisbackError } from "../../errors.js";
import type { LabelValue } from "../labels.js";
import type { Findings } from "../left-out.js";
import type { ResolvedOptions } from "../options.js";
import { type Annotations, chooseFields, toCaption, toLabelValue } from "./annotations.js";
import { parseDatasetJson } from "./dataset-json.js";
import { type MetadataRow, parseMetadata } from "./metadata.js";
import type { SourceFiles } from "./source-files.js";

const fileNames = ["dataset.json", "metadata.jsonl", "metadata.csv"];
const baseOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
const folderOf = (path: string): string => path.slice(0, path.length - baseOf(path).length);

/** Whether a file lists labels or captions of the images beside and below it. */
export const isLabelFile = (path: string): boolean => fileNames.includes(baseOf(path));

/** The content of a label file, by image names relative to it. */
interface Table {
  /** for people */
  where: string;
  unlabelled?: boolean;
  labelOf?: (name: string) => LabelValue;
  captionOf?: (name: string) => string;
}

/**
 * Labels and captions that `dataset.json` (EDM), `metadata.jsonl` or `metadata.csv` (Hugging Face) state. Each image
 * belongs to the nearest such file in or above its folder.
 * @param images those wanted, in order
 * @param all the images of every split: what a file may list
 * @throws DisbackError if a file is damaged, or does not list all images
 */
export async function readLabelFiles(
  files: SourceFiles,
  images: readonly string[],
  all: readonly string[],
  { labels: labelsWanted, findings }: Pick<ResolvedOptions, "labels" | "findings">,
): Promise<Annotations> {
  const byFolder = new Map<string, string>();
  for (const path of files.paths.filter(isLabelFile))
    if (!byFolder.has(folderOf(path))) byFolder.set(folderOf(path), path);
    else findings.leaveOut("label file beside another", path);
  const tables = new Map<string, Table>();
  const chosen: { table: Table; name: string }[] = [];
  for (const image of images) {
    const folder = nearest(byFolder, image);
    if (folder === undefined) continue;
    if (!labelsWanted && baseOf(byFolder.get(folder)!) === "dataset.json") continue;
    let table = tables.get(folder);
    if (!table) {
      const listed = all.filter((path) => nearest(byFolder, path) === folder);
      const names = listed.map((path) => path.slice(folder.length));
      table = await readTable(files, byFolder.get(folder)!, names, findings);
      tables.set(folder, table);
    }
    chosen.push({ table, name: image.slice(folder.length) });
  }
  const labels = chosen.flatMap(({ table, name }) =>
    table.labelOf && labelsWanted ? [table.labelOf(name)] : [],
  );
  const captions = chosen.flatMap(({ table, name }) => (table.captionOf ? [table.captionOf(name)] : []));
  for (const list of [labels, captions])
    if (list.length > 0 && list.length < images.length)
      throw new DisbackError(
        `${files.where}: ${[...tables.values()].map(({ where }) => where).join(", ")} have labels for ${list.length} of ${images.length} images: complete or remove them`,
      );
  return {
    ...(labels.length > 0 ? { labels } : {}),
    ...(captions.length > 0 ? { captions } : {}),
    unlabelled: [...tables.values()].some((table) => table.unlabelled),
  };
}

/** The innermost folder in or above an image's that has a label file. */
function nearest(byFolder: ReadonlyMap<string, string>, image: string): string | undefined {
  for (let folder = folderOf(image); ; folder = folderOf(folder.slice(0, -1))) {
    if (byFolder.has(folder)) return folder;
    if (folder === "") return undefined;
  }
}

async function readTable(
  files: SourceFiles,
  path: string,
  listed: string[],
  findings: Findings,
): Promise<Table> {
  const where = files.nameOf(path);
  const text = Buffer.from(await files.read(path)).toString("utf8");
  if (baseOf(path) !== "dataset.json")
    return metadataTable(parseMetadata(text, where), where, listed, findings);
  const labels = parseDatasetJson(text, where);
  if (!labels) return { where, unlabelled: true };
  const labelOf = (name: string): LabelValue => {
    const label = labels.get(name);
    if (label === undefined) throw new DisbackError(`${where} has no label for ${name}`);
    return label;
  };
  listed.forEach(labelOf);
  if (labels.size !== listed.length)
    throw new DisbackError(`${where} lists ${labels.size} labels, but there are ${listed.length} images`);
  return { where, labelOf };
}

function metadataTable(
  rows: Map<string, MetadataRow>,
  where: string,
  listed: string[],
  findings: Findings,
): Table {
  const row = (name: string): MetadataRow => {
    const found = rows.get(name);
    if (!found) throw new DisbackError(`${where} has no row for ${name}`);
    return found;
  };
  listed.forEach(row);
  const known = new Set(listed);
  const kind = where.endsWith(".csv") ? "metadata.csv" : "metadata.jsonl";
  for (const name of rows.keys())
    if (!known.has(name)) findings.leaveOut(`row of ${kind} without an image`, name);
  const fields = chooseFields(new Set([...rows.values()].flatMap(Object.keys)));
  for (const name of fields.others) findings.leaveOut(`column of ${kind}`, name);
  const { label, caption } = fields;
  return {
    where,
    ...(label ? { labelOf: (name) => toLabelValue(row(name)[label], `${where}: ${name}`) } : {}),
    ...(caption ? { captionOf: (name) => toCaption(row(name)[caption]) } : {}),
  };
}

import { parse } from "csv-parse/sync";
import { DisbackError } from "../../errors.js";

/** One image's row of a `metadata.csv` or `metadata.jsonl`. */
export type MetadataRow = Record<string, unknown>;

/**
 * The rows of a `metadata.jsonl` or `metadata.csv` as Hugging Face's imagefolder has them, by the images' names
 * (`file_name`).
 * @param where the file, for errors; its ending says which kind it is
 * @throws DisbackError naming a bad line, or if no column names the files
 */
export function parseMetadata(text: string, where: string): Map<string, MetadataRow> {
  const rows = where.endsWith(".csv") ? parseCsv(text, where) : parseLines(text, where);
  const names = new Map<string, MetadataRow>();
  rows.forEach((row, index) => {
    const key = Object.keys(row).find((name) => name === "file_name" || name.endsWith("_file_name"));
    const name = key && row[key];
    if (typeof name !== "string")
      throw new DisbackError(`${where}: row ${index + 1} has no "file_name" of its image`);
    const { [key!]: _, ...fields } = row;
    names.set(name.replace(/^\.\//, ""), fields);
  });
  return names;
}

function parseCsv(text: string, where: string): MetadataRow[] {
  try {
    return parse(text, { columns: true, bom: true, skip_empty_lines: true, trim: true });
  } catch (error) {
    throw new DisbackError(`${where} is not valid CSV (${(error as Error).message.split("\n")[0]})`);
  }
}

function parseLines(text: string, where: string): MetadataRow[] {
  const rows: MetadataRow[] = [];
  text.split("\n").forEach((line, index) => {
    if (line.trim() === "") return;
    let row: unknown;
    try {
      row = JSON.parse(line);
    } catch (error) {
      throw new DisbackError(`${where}: line ${index + 1} is not valid JSON (${(error as Error).message})`);
    }
    if (typeof row !== "object" || row === null || Array.isArray(row))
      throw new DisbackError(`${where}: line ${index + 1} is not an object of fields`);
    rows.push(row as MetadataRow);
  });
  return rows;
}

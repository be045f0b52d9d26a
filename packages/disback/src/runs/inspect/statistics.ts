import { statSync } from "node:fs";
import { parseNpy } from "../../data/formats/npy.js";
import { openZip } from "../../data/formats/zip.js";
import { isReferenceFile } from "../../metrics/reference-file.js";
import type { Description } from "./description.js";

/** Reference statistics as an `.npz` of `mu` and `sigma`. */
export async function describeStatistics(path: string): Promise<Description | undefined> {
  if (!path.endsWith(".npz") || !statSync(path).isFile() || !(await isReferenceFile(path))) return undefined;
  const archive = await openZip(path, 2 ** 30);
  try {
    const facts: [string, string][] = [];
    for (const [name, entry] of archive.entries) {
      const { shape } = parseNpy(await entry.read(), `${path}:${name}`);
      facts.push([name.replace(/\.npy$/, ""), `[${shape.join(", ")}]`]);
    }
    const hint = `compare with it: disback evaluate MODEL --data ${path}`;
    return { kind: "reference statistics (.npz of mu and sigma)", facts, hint };
  } finally {
    archive.close();
  }
}

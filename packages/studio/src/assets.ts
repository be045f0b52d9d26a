import { readdirSync, readFileSync } from "node:fs";
import { extname } from "node:path";

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

export interface Asset {
  type: string;
  content: Buffer;
}

/**
 * The built page, by path as it stands in a request. Read once: serving it never touches the disk.
 *
 * @throws Error when the page was not built
 */
export function loadAssets(): Map<string, Asset> {
  const folder = new URL("./ui/", import.meta.url);
  const assets = new Map<string, Asset>();
  for (const name of readdirSync(folder)) {
    const type = TYPES[extname(name)];
    if (type)
      assets.set(name === "index.html" ? "/" : `/${name}`, {
        type,
        content: readFileSync(new URL(name, folder)),
      });
  }
  return assets;
}

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
 * The built page, by request path. Read once, so that serving needs no disk access.
 *
 * @throws Error if the page was not built
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

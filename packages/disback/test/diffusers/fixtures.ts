import { fileURLToPath } from "node:url";

/** Path of a file made by a script in fixtures/diffusers. */
export const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/diffusers/${name}`, import.meta.url));

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Path of a file made by fixtures/import/make.py. */
export const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/import/${name}`, import.meta.url));

export const fixtureBytes = (name: string): Uint8Array => new Uint8Array(readFileSync(fixture(name)));

/** The message of the error that work ends in. */
export async function messageOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if ((error as Error).name !== "DisbackError") throw error;
    return (error as Error).message;
  }
  throw new Error("no error");
}

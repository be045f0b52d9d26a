import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { DisbackError } from "../errors.js";
import { fileError, removeIfPossible } from "./atomic-file.js";
import type { Progress } from "./progress.js";

/** How a file or folder is put where the user wants it. */
export interface OutputPlace {
  out: string;
  /** set aside what is there: renamed, never deleted */
  force: boolean;
  progress: Progress;
}

/** @throws DisbackError if there is something at `out` and `force` was not given; an empty folder is nothing */
export function refuseOccupied({ out, force }: OutputPlace): void {
  if (!force && occupied(out)) {
    throw new DisbackError(`${out}: already there; choose another place or give --force`);
  }
}

/**
 * Makes a file or folder that appears when all of it is there, or not at all.
 * @param make writes it at the path it is given, in a folder that exists
 * @throws DisbackError naming `out` if there is something already, or it cannot be written
 */
export async function makeInPlace<T>(
  place: OutputPlace,
  make: (partial: string) => T | Promise<T>,
): Promise<T> {
  refuseOccupied(place);
  const target = resolve(place.out);
  const partial = join(dirname(target), `.${basename(target)}.${process.pid}.partial`);
  try {
    createFolder(dirname(partial), place.out);
    const made = await make(partial);
    putInPlace(partial, target, place);
    return made;
  } catch (error) {
    removeIfPossible(partial);
    if (error instanceof DisbackError) throw new DisbackError(error.message.replaceAll(partial, place.out));
    if ((error as NodeJS.ErrnoException).syscall !== undefined) throw fileError("write", place.out, error);
    throw error;
  }
}

function createFolder(folder: string, out: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw fileError("write", out, error);
  }
}

function occupied(path: string): boolean {
  return existsSync(path) && !(statSync(path).isDirectory() && readdirSync(path).length === 0);
}

function putInPlace(partial: string, target: string, { out, progress }: OutputPlace): void {
  try {
    if (occupied(target)) {
      let number = 1;
      while (existsSync(`${target}.old-${number}`)) number++;
      renameSync(target, `${target}.old-${number}`);
      progress.notice(`${out} was there before: renamed to ${out}.old-${number}`);
    }
    renameSync(partial, target);
  } catch (error) {
    throw fileError("write", out, error);
  }
}

import { existsSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { DisbackError } from "../../errors.js";
import { fileError, isTemporary, makeFolder, writeFileAtomically } from "../atomic-file.js";
import { FolderLock } from "../lock.js";

const LOCK = "compare.lock";
const SETTINGS = "settings.json";

/**
 * Opens the folder of a comparison: a new or empty one, or an earlier one to continue.
 *
 * @param force sets an earlier comparison aside (it is renamed to `<folder>.old-<n>`)
 * @returns the lock to release
 * @throws DisbackError if the folder holds something else, or another process is using it
 */
export function openComparisonFolder(
  path: string,
  settings: object,
  options: { force: boolean; notice: (line: string) => void },
): FolderLock {
  const folder = resolve(path);
  if (existsSync(folder)) {
    if (!statSync(folder).isDirectory())
      throw new DisbackError(`${path}: a file is in the way of this folder`);
    FolderLock.refuseIfHeld(join(folder, LOCK));
    const names = readdirSync(folder).filter((name) => !name.startsWith(LOCK) && !isTemporary(name));
    if (names.length > 0 && !names.includes(SETTINGS)) {
      throw new DisbackError(
        `${path}: already in use by files that belong to no comparison (${names[0]}, …)`,
      );
    }
    if (names.length > 0 && options.force) setAside(folder, path, options.notice);
  }
  makeFolder(folder, path);
  const lock = FolderLock.acquire(join(folder, LOCK));
  removeLeftovers(folder);
  writeFileAtomically(join(folder, SETTINGS), `${JSON.stringify(settings, null, 2)}\n`);
  return lock;
}

function setAside(folder: string, shown: string, notice: (line: string) => void): void {
  let number = 1;
  while (existsSync(`${folder}.old-${number}`)) number++;
  try {
    renameSync(folder, `${folder}.old-${number}`);
  } catch (error) {
    throw fileError("rename", shown, error);
  }
  notice(`earlier comparison moved from ${shown} to ${shown.replace(/\/+$/, "")}.old-${number}`);
}

/** Removes a killed comparison's own temporary files. Those in run folders belong to runs, which may still work. */
function removeLeftovers(folder: string): void {
  for (const path of readdirSync(folder, { recursive: true }) as string[]) {
    if (/^(seed-\d+|settings|compare|teacher|teacher-settings)\.json\.partial-\d+$/.test(basename(path)))
      rmSync(join(folder, path), { force: true });
  }
}

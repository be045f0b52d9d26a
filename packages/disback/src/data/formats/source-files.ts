import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { extensionOf, isImageName, startsLikeImage } from "../images/kinds.js";
import type { Findings } from "../left-out.js";
import { readHead } from "./bytes.js";
import { hiddenPart, isHiddenName } from "./hidden.js";

/** The visible files of a folder or archive, with forward slashes, sorted. */
export interface SourceFiles {
  kind: "folder" | "zip" | "tar";
  /** path of the folder or archive */
  where: string;
  paths: readonly string[];
  /** empty folders; unknown for archives */
  emptyFolders: readonly string[];
  /** a file's name for people */
  nameOf(path: string): string;
  read(path: string): Promise<Uint8Array>;
  /** the first bytes of a file */
  head(path: string): Promise<Uint8Array>;
  /** closes an archive */
  close(): void;
}

/** The visible files of an archive; the others are counted. */
export function visiblePaths(all: Iterable<string>, findings: Findings): string[] {
  const folders = new Set<string>();
  const visible: string[] = [];
  for (const path of all) {
    const hidden = hiddenPart(path);
    if (!hidden) visible.push(path);
    else if (!hidden.folder) findings.leaveOut("hidden file", hidden.path);
    else if (!folders.has(hidden.path)) {
      folders.add(hidden.path);
      findings.leaveOut("hidden folder", hidden.path);
    }
  }
  return visible.sort();
}

/**
 * All files below a folder. Links are followed, but not to a folder that contains them. Hidden files, broken links and
 * other objects are counted.
 */
export async function filesOfFolder(root: string, findings: Findings): Promise<SourceFiles> {
  const paths: string[] = [];
  const emptyFolders: string[] = [];
  const visit = async (folder: string, above: readonly string[]): Promise<void> => {
    const real = await realpath(join(root, folder));
    if (above.includes(real)) return findings.leaveOut("link to a folder it lies in", folder);
    const entries = await readdir(join(root, folder), { withFileTypes: true });
    if (entries.length === 0) emptyFolders.push(folder);
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = folder ? `${folder}/${entry.name}` : entry.name;
      const kind = entry.isSymbolicLink() ? await stat(join(root, path)).catch(() => undefined) : entry;
      if (!kind) findings.leaveOut("link to nothing", path);
      else if (isHiddenName(entry.name))
        findings.leaveOut(kind.isDirectory() ? "hidden folder" : "hidden file", path);
      else if (kind.isDirectory()) await visit(path, [...above, real]);
      else if (kind.isFile()) paths.push(path);
      else findings.leaveOut("file that is a pipe, socket or device", path);
    }
  };
  await visit("", []);
  return {
    kind: "folder",
    where: root,
    paths: paths.sort(),
    emptyFolders,
    nameOf: (path) => join(root, path),
    read: (path) => readFile(join(root, path)),
    head: (path) => readHead(join(root, path), 64),
    close: () => {},
  };
}

/** The image files: by their ending, or by their first bytes if they have none. */
export async function imagePaths(files: SourceFiles): Promise<string[]> {
  const images: string[] = [];
  for (const path of files.paths) {
    const known = isImageName(path) || (extensionOf(path) === "" && startsLikeImage(await files.head(path)));
    if (known) images.push(path);
  }
  return images;
}

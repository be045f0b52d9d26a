/** Folders and files that systems and tools create, by their names in lower case. */
const systemNames = new Set([
  // Synology, QNAP
  "@eadir",
  "#recycle",
  "@recycle",
  "@recently-snapshot",
  "#snapshot",
  "@tmp",
  // Windows
  "$recycle.bin",
  "recycler",
  "system volume information",
  "thumbs.db",
  "ehthumbs.db",
  "desktop.ini",
  // macOS
  "__macosx",
  "icon\r",
  "network trash folder",
  "temporary items",
  // others
  "lost+found",
  "__pycache__",
]);

/** Whether a file or folder with this name is not data: hidden, or created by a system. */
export const isHiddenName = (name: string): boolean =>
  name.startsWith(".") || systemNames.has(name.toLowerCase());

/** The shortest hidden part of a path, and whether it is a folder; undefined if nothing is hidden. */
export function hiddenPart(path: string): { path: string; folder: boolean } | undefined {
  const names = path.split("/");
  const place = names.findIndex(isHiddenName);
  if (place < 0) return undefined;
  return { path: names.slice(0, place + 1).join("/"), folder: place < names.length - 1 };
}

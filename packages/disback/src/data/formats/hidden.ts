/** Folders and files that systems and tools leave among one's own, by their names in lower case. */
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

/** Whether a file or folder of this name is no part of the data: hidden, or left there by a system. */
export const isHiddenName = (name: string): boolean =>
  name.startsWith(".") || systemNames.has(name.toLowerCase());

/** The shortest part of a path that is hidden, and whether that is a folder; undefined if the path can be seen. */
export function hiddenPart(path: string): { path: string; folder: boolean } | undefined {
  const names = path.split("/");
  const place = names.findIndex(isHiddenName);
  if (place < 0) return undefined;
  return { path: names.slice(0, place + 1).join("/"), folder: place < names.length - 1 };
}

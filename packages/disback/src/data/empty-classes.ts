import type { SampleSource } from "./samples.js";

/** One line about classes without samples, which a model cannot learn; undefined if there are none. */
export function emptyClasses({ classCounts = [], classNames }: SampleSource): string | undefined {
  const empty = classCounts.flatMap((count, label) =>
    count === 0 ? [classNames?.[label] ?? String(label)] : [],
  );
  if (empty.length === 0) return undefined;
  const names = `${empty.slice(0, 5).join(", ")}${empty.length > 5 ? ", …" : ""}`;
  return `${empty.length} of ${classCounts.length} classes have no samples (${names})`;
}

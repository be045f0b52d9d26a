/** Files, folders, columns or labels of one kind that are not used. */
export interface LeftOut {
  /** in the singular: an ending such as `.heic`, or words such as `hidden folder` */
  kind: string;
  count: number;
  /** the first one's name */
  example: string;
}

/** What opening a data set finds besides the samples. */
export class Findings {
  private readonly kinds = new Map<string, LeftOut>();
  private readonly lines = new Set<string>();
  /** one caption per sample, where the data has them */
  captions: readonly string[] | undefined;

  /** Counts something that is not used. */
  leaveOut(kind: string, example: string, count = 1): void {
    const known = this.kinds.get(kind);
    if (known) known.count += count;
    else if (count > 0) this.kinds.set(kind, { kind, count, example });
  }

  /** Adds one line about how the data are read. */
  note(line: string): void {
    this.lines.add(line);
  }

  get leftOut(): readonly LeftOut[] {
    return [...this.kinds.values()];
  }

  get notes(): readonly string[] {
    return [...this.lines];
  }
}

const nouns = /\b(folder|file|column|field|row|array|image|version|link)\b/;

function plural({ kind, count }: LeftOut): string {
  if (count === 1) return kind;
  return kind.replace(nouns, "$1s");
}

/**
 * What a data set does not use, as one line: `left out: 3 .heic (cherry/5.heic, …), 1 hidden folder (.thumbs)`.
 * @returns undefined if everything is used
 */
export function describeLeftOut({ leftOut = [] }: { leftOut?: readonly LeftOut[] }): string | undefined {
  if (leftOut.length === 0) return undefined;
  const parts = leftOut.map((kind) => {
    const example = kind.count > 1 ? `${kind.example}, …` : kind.example;
    return `${kind.count.toLocaleString("en")} ${plural(kind)} (${example})`;
  });
  return `left out: ${parts.join(", ")}`;
}

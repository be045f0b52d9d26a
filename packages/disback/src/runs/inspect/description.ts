/** What something is, and facts about it in display order. */
export interface Description {
  kind: string;
  facts: [name: string, value: string][];
  /** one line about further options */
  hint?: string | undefined;
  /** printed with `--json`; default: the facts */
  document?: Record<string, unknown>;
}

/** Options for data sets; nothing else takes them. */
export interface InspectOptions {
  /** output file for the first pictures of a data set */
  out?: string;
  resolution?: number;
  channels?: 1 | 3;
  split?: string;
}

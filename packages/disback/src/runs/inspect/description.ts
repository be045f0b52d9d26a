/** What something is, and facts about it in the order they are shown. */
export interface Description {
  kind: string;
  facts: [name: string, value: string][];
  /** one line about what else can be seen */
  hint?: string | undefined;
  /** what is printed with `--json`; default: the facts */
  document?: Record<string, unknown>;
}

/** How data sets are looked at; other things take none of these. */
export interface InspectOptions {
  /** file for the first pictures of a data set */
  out?: string;
  resolution?: number;
  channels?: 1 | 3;
  split?: string;
}

/** Objectives without an auxiliary model; they use no trajectory. */
const directNames = ["consistency", "regression"] as const;

/** Names of the objectives, as `--objective` takes them. */
export const objectiveNames = ["diff-instruct", "vsd", "dmd", "dmd2", "sid", ...directNames] as const;

export type ObjectiveName = (typeof objectiveNames)[number];

/** Whether an objective needs no auxiliary model. */
export function isDirectName(objective: ObjectiveName): boolean {
  return (directNames as readonly string[]).includes(objective);
}

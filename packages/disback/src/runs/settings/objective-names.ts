/** Objectives without an auxiliary model; they use no trajectory. */
const directNames = [
  "consistency",
  "ect",
  "tcm",
  "scm",
  "meanflow",
  "ladd",
  "regression",
  "supervised",
] as const;

/** Names of the objectives, as `--objective` takes them. */
export const objectiveNames = [
  "diff-instruct",
  "vsd",
  "dmd",
  "dmd2",
  "f-distill",
  "sid",
  "sida",
  "sim",
  "moment-matching",
  "gkd",
  "output-matching",
  ...directNames,
] as const;

export type ObjectiveName = (typeof objectiveNames)[number];

/** Whether an objective needs no auxiliary model. */
export function isDirectName(objective: ObjectiveName): boolean {
  return (directNames as readonly string[]).includes(objective);
}

/** Whether an objective needs real samples. */
export function needsData(objective: ObjectiveName): boolean {
  return ["dmd2", "f-distill", "sida", "ladd", "supervised"].includes(objective);
}

/** Whether an objective is for language models. */
export function isLanguageName(objective: ObjectiveName): boolean {
  return objective === "gkd" || objective === "supervised";
}

/** Whether an objective's student estimates samples from every noise level, so that it can be run in any number of steps. */
export function isAnyStepName(objective: ObjectiveName): boolean {
  return ["consistency", "ect", "scm", "meanflow"].includes(objective);
}

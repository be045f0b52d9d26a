import { isGroup, type SettingsTree } from "./layers.js";

/**
 * Converts settings of runs from older versions, so that these runs can be resumed.
 *
 * - `method: disback` with `recording.when` becomes `auto` (needed) or `disback` (always);
 * - `method: diff-instruct` becomes `plain`;
 * - ablations move to the group `ablation`;
 * - the standard deviation of the data is dropped: the model has it;
 * - Diff-Instruct keeps its two noised batches in a step;
 * - a copy does not learn the teacher's samples first.
 */
export function inTodaysWords(settings: SettingsTree): SettingsTree {
  const { method, ...rest } = settings;
  const { when, ...recording } = group(settings.recording);
  const { use, interpolation, ...backtracking } = group(settings.backtracking);
  const { sigmaData: _, ...training } = group(settings.training);
  const ablation = without({
    use: use === "whole" ? undefined : use,
    interpolation: interpolation === 0 ? undefined : interpolation,
    storage: ["full", "half"].includes(recording.storage as string) ? recording.storage : undefined,
  });
  if (ablation.storage !== undefined) delete recording.storage;
  const today: SettingsTree = {
    ...rest,
    ...(settings.recording === undefined ? {} : { recording }),
    ...(settings.imitation === undefined ? {} : { imitation: { of: "step", ...group(settings.imitation) } }),
    ...(settings.backtracking === undefined ? {} : { backtracking: withTwoNoises(backtracking) }),
    ...(settings.training === undefined ? {} : { training }),
    ...(Object.keys(ablation).length > 0 ? { ablation: { ...group(settings.ablation), ...ablation } } : {}),
  };
  if (method === undefined) return today;
  return { ...today, ...methodOf(method, when, settings) };
}

function withTwoNoises(backtracking: SettingsTree): SettingsTree {
  const { diffInstruct } = backtracking;
  if (!isGroup(diffInstruct)) return backtracking;
  return { ...backtracking, diffInstruct: { oneNoise: false, ...diffInstruct } };
}

function methodOf(method: unknown, when: unknown, settings: SettingsTree): SettingsTree {
  if (method === "diff-instruct") return { method: "plain" };
  if (method !== "disback" || when === undefined) return { method };
  if (when === "needed") return { method: "auto" };
  const imitation = group(settings.imitation);
  const imitates = settings.student !== "same" && imitation.steps !== 0;
  return {
    method: "disback",
    ...(imitates ? { imitation: { of: "step", ...imitation, when: "always" } } : {}),
  };
}

function group(value: unknown): SettingsTree {
  return isGroup(value) ? { ...value } : {};
}

function without(tree: SettingsTree): SettingsTree {
  return Object.fromEntries(Object.entries(tree).filter(([, value]) => value !== undefined));
}

import { layer, type SettingsTree } from "./layers.js";
import { type ObjectiveName, objectiveNames } from "./objective-names.js";

/** Defaults of single objectives, below all other settings. */
export const objectiveDefaults: Readonly<Partial<Record<ObjectiveName, SettingsTree>>> = {
  // Mismatch degrees over their own noise levels that correspond to 1.1 with Diff-Instruct (docs/objectives.md).
  dmd: { backtracking: { mismatchThreshold: 1.2 } },
  dmd2: { backtracking: { mismatchThreshold: 1.2 } },
  "f-distill": { backtracking: { mismatchThreshold: 1.2 } },
  sid: { backtracking: { mismatchThreshold: 1.15 } },
  sida: { backtracking: { mismatchThreshold: 1.15 } },
  sim: { backtracking: { mismatchThreshold: 1.15 } },
  // They sample from pure noise, so the highest noise level must be far above the data.
  consistency: { sigmaInit: 80 },
  ect: { sigmaInit: 80 },
  tcm: { sigmaInit: 80 },
  scm: { sigmaInit: 80 },
  meanflow: { sigmaInit: 80 },
};

/** Adds the defaults of the objective in the settings. */
export function withObjectiveDefaults(settings: SettingsTree): SettingsTree {
  const { objective } = (settings.backtracking ?? {}) as { objective?: unknown };
  const name = objectiveNames.find((known) => known === objective);
  return name ? layer(objectiveDefaults[name] ?? {}, settings) : settings;
}

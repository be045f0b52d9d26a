import type { Command } from "commander";
import { backtrackPresets } from "../../runs/presets.js";
import {
  BACKTRACKING_FLAGS,
  EVALUATION_FLAGS,
  GRAPH_FLAGS,
  NETWORK_FLAGS,
  RUN_FLAGS,
} from "../flag-groups.js";
import { addRunFlags, runCommand } from "../run-command.js";
import type { SettingFlag } from "../setting-flags.js";

const FLAGS: readonly SettingFlag[] = [
  {
    flags: "--trajectory <folder>",
    path: "trajectory",
    description:
      "trajectory, or a run of `record`; or the teacher's checkpoints: its training run, or a folder of models",
  },
  ...NETWORK_FLAGS,
  ...BACKTRACKING_FLAGS,
  ...EVALUATION_FLAGS,
  ...GRAPH_FLAGS,
  ...RUN_FLAGS,
];

/** `disback backtrack`: stage 2 on a recorded trajectory. */
export function addBacktrack(program: Command): void {
  const command = program
    .command("backtrack")
    .description("Walk a student up a recorded trajectory to the teacher.");
  addRunFlags(command, FLAGS, Object.keys(backtrackPresets), "runs/backtrack")
    .addHelpText(
      "after",
      `
Example:
  disback backtrack --teacher fashion-mnist-16 --trajectory runs/record --iterations 300 --out runs/backtrack
`,
    )
    .action(async () => {
      const { backtrackSchema } = await import("../../runs/settings/distillation.js");
      const loadJob = async () => (await import("../../runs/jobs/backtracking.js")).backtrackingJob;
      await runCommand(command, FLAGS, backtrackPresets, backtrackSchema, loadJob);
    });
}

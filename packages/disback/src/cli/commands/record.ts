import type { Command } from "commander";
import { recordPresets } from "../../runs/presets.js";
import { NETWORK_FLAGS, RUN_FLAGS, STORAGE_FLAGS } from "../flag-groups.js";
import { addRunFlags, addSharingFlag, runCommand } from "../run-command.js";
import type { SettingFlag } from "../setting-flags.js";

const FLAGS: readonly SettingFlag[] = [
  ...NETWORK_FLAGS,
  { flags: "--steps <n>", path: "recording.steps", description: "steps of the recording", kind: "number" },
  { flags: "--interval <n>", path: "recording.interval", description: "steps between nodes", kind: "number" },
  ...STORAGE_FLAGS,
  { flags: "--batch-size <n>", path: "recording.batchSize", description: "samples per step", kind: "number" },
  {
    flags: "--learning-rate <rate>",
    path: "recording.learningRate",
    description: "learning rate",
    kind: "number",
  },
  ...RUN_FLAGS,
];

/** `disback record`: stage 1, the trajectory. */
export function addRecord(program: Command): void {
  const command = program
    .command("record")
    .description("Record how the teacher degrades when fitted to the initial student: the trajectory.");
  addSharingFlag(addRunFlags(command, FLAGS, Object.keys(recordPresets), "runs/record"))
    .addHelpText(
      "after",
      `
Example:
  disback record --teacher runs/teacher --steps 40 --interval 10 --out runs/record
`,
    )
    .action(async () => {
      const { recordSchema } = await import("../../runs/settings/distillation.js");
      const loadJob = async () => (await import("../../runs/jobs/record.js")).recordingJob;
      await runCommand(command, FLAGS, recordPresets, recordSchema, loadJob);
    });
}

import type { Command } from "commander";
import { distillPresets } from "../../runs/presets.js";
import {
  BACKTRACKING_FLAGS,
  EVALUATION_FLAGS,
  GRAPH_FLAGS,
  IMITATION_FLAGS,
  NETWORK_FLAGS,
  RECORDING_FLAGS,
  RUN_FLAGS,
} from "../flag-groups.js";
import { addRunFlags, addSharingFlag, runCommand } from "../run-command.js";
import type { SettingFlag } from "../setting-flags.js";

const FLAGS: readonly SettingFlag[] = [
  ...NETWORK_FLAGS,
  {
    flags: "--method <name>",
    path: "method",
    description: "auto decides; disback always follows a trajectory; plain is the objective alone",
    choices: ["auto", "disback", "plain"],
  },
  {
    flags: "--half <half>",
    path: "half",
    description: "of an autoencoder as the teacher: what a tiny one learns",
    choices: ["decoder", "encoder"],
  },
  ...IMITATION_FLAGS,
  ...RECORDING_FLAGS,
  ...BACKTRACKING_FLAGS,
  ...EVALUATION_FLAGS,
  ...GRAPH_FLAGS,
  ...RUN_FLAGS,
];

/** `disback distill`: both stages. */
export function addDistill(program: Command): void {
  const command = program
    .command("distill")
    .description(
      "Distill a teacher into a one-step student: imitate it or record a trajectory where that pays, then backtrack.",
    );
  addSharingFlag(addRunFlags(command, FLAGS, Object.keys(distillPresets), "runs/distill"))
    .addHelpText(
      "after",
      `
Examples:
  disback distill --preset demo --out runs/demo
  disback distill --teacher runs/teacher --data images/ --student small --out runs/small
  disback distill --preset gan --teacher weights.tar --out runs/gan
  disback distill --preset tiny-decoder --teacher runs/vae --data faces.npz --out runs/decoder
  disback distill --preset 2d --objective sid --set backtracking.sid.alpha=1 --out runs/sid
`,
    )
    .action(async () => {
      const { distillSchema } = await import("../../runs/settings/distillation.js");
      const loadJob = async () => (await import("../../runs/jobs/distillation.js")).distillationJob;
      await runCommand(command, FLAGS, distillPresets, distillSchema, loadJob);
    });
}

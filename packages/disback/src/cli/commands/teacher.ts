import type { Command } from "commander";
import { teacherPresets } from "../../runs/presets.js";
import { EVALUATION_FLAGS, RUN_FLAGS } from "../flag-groups.js";
import { addRunFlags, runCommand } from "../run-command.js";
import type { SettingFlag } from "../setting-flags.js";
import { addTeacherImport } from "./teacher-import.js";
import { addTeacherJoin } from "./teacher-join.js";

const FLAGS: readonly SettingFlag[] = [
  {
    flags: "--data <source>",
    path: "data",
    description: "data set to learn: a path, or toy:ring and the like",
  },
  { flags: "--iterations <n>", path: "training.iterations", description: "training steps", kind: "number" },
  { flags: "--batch-size <n>", path: "training.batchSize", description: "samples per step", kind: "number" },
  {
    flags: "--learning-rate <rate>",
    path: "training.learningRate",
    description: "learning rate",
    kind: "number",
  },
  {
    flags: "--conditional",
    path: "conditional",
    description: "condition the model on the data's classes",
    kind: "switch",
  },
  {
    flags: "--captions",
    path: "captions",
    description: "condition the model on the data's captions: pictures from text",
    kind: "switch",
  },
  {
    flags: "--autoencoder <folder>",
    path: "autoencoder",
    description: "train on latents of this autoencoder: ours, a model's, or one from diffusers",
  },
  ...EVALUATION_FLAGS.filter((flag) => flag.path !== "data"),
  ...RUN_FLAGS,
];

/** `disback teacher train`, `import` and `join`. */
export function addTeacher(program: Command): void {
  const teacher = program
    .command("teacher")
    .description("Make a teacher: train one, import someone else's, or join several.");
  addTeacherImport(teacher);
  addTeacherJoin(teacher);
  const command = teacher.command("train").description("Train a diffusion model on a data set (EDM's loss).");
  addRunFlags(command, FLAGS, Object.keys(teacherPresets), "runs/teacher")
    .addHelpText(
      "after",
      `
Examples:
  disback teacher train --preset 2d --data toy:ring --out runs/ring
  disback teacher train --preset cifar10 --data cifar10.tar.gz --conditional --out runs/cifar10
  disback teacher train --preset gpt --data texts/ --out runs/gpt
  disback teacher train --data photos/ --autoencoder sd-vae/ --config latent.yaml --out runs/latent
  disback teacher train --preset autoencoder --data faces.npz --out runs/vae
`,
    )
    .action(async () => {
      const { teacherSchema } = await import("../../runs/settings/teacher.js");
      const loadJob = async () => (await import("../../runs/jobs/teacher.js")).teacherJob;
      await runCommand(command, FLAGS, teacherPresets, teacherSchema, loadJob);
    });
}

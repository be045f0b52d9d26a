import type { Command } from "commander";
import { counted } from "../../runs/wording.js";
import { LANGUAGE_FLAGS, PROMPT_FLAGS, RESOLUTION_FLAG, SAMPLING_FLAGS } from "../flag-groups.js";
import { resolveCommandSettings, showsSettings } from "../run-command.js";
import { addSettingFlags, type SettingFlag } from "../setting-flags.js";
import { type OutputFlags, Terminal } from "../terminal.js";

const FLAGS: readonly SettingFlag[] = [
  ...SAMPLING_FLAGS,
  {
    flags: "--label <class>",
    path: "label",
    description: "class or task to draw; default all in turn",
    kind: "number",
  },
  ...PROMPT_FLAGS,
  ...LANGUAGE_FLAGS,
  RESOLUTION_FLAG,
  { flags: "--columns <n>", path: "columns", description: "columns of the grid", kind: "number" },
];

/** `disback sample`. */
export function addSample(program: Command): void {
  const command = program
    .command("sample")
    .argument(
      "<model>",
      "model folder, run, shipped name, Stable Diffusion or Flux, or your own module (.mjs)",
    )
    .description("Draw samples from a student or a teacher.");
  addSettingFlags(command, FLAGS)
    .option(
      "--out <path>",
      "picture (.png: a grid, which moves for videos, or a scatter plot of 2-D samples), .gif of videos, .npz, .txt of texts, or a folder of PNGs or GIFs; default samples.png, or the terminal for texts",
    )
    .option("--force", "overwrite an existing file, or write into a folder that is not empty")
    .addHelpText(
      "after",
      `
Examples:
  disback sample emoji --prompt "smiling cat" --out cat.png
  disback sample runs/demo --count 64 --out grid.png
  disback sample runs/demo --count 50000 --out samples.npz
  disback sample runs/video --count 20 --out clips.gif
  disback sample runs/gpt --prompt "Once" --count 4
  disback sample runs/teacher --steps 18 --count 1000 --out teacher-samples/
  disback sample sd15/ --prompt "a red bicycle" --guidance 7.5 --count 4 --out bicycle.png
`,
    )
    .action(async (model: string) => {
      const options = command.opts<OutputFlags & { out?: string; force?: boolean }>();
      const terminal = new Terminal(options);
      const { sampleSchema } = await import("../../runs/settings/sampling.js");
      command.setOptionValue("model", model);
      const flags = [...FLAGS, { flags: "--model <model>", path: "model", description: "" }];
      if (await showsSettings(command, flags, {}, sampleSchema)) return;
      const { settings } = await resolveCommandSettings(command, flags, {}, sampleSchema);
      const { drawSamples } = await import("../../runs/jobs/sampling.js");
      const drawn = await drawSamples(settings, {
        out: options.out,
        force: options.force ?? false,
        progress: await terminal.progress(),
      });
      terminal.result(
        { ...drawn },
        drawn.texts
          ? drawn.texts.join("\n\n")
          : `${counted(drawn.count, "sample")} (${counted(drawn.evaluations, "network evaluation")} each) in ${drawn.path}`,
      );
    });
}

import type { Command } from "commander";
import { IMAGE_FLAGS, LANGUAGE_FLAGS, PROMPT_FLAGS, SAMPLING_FLAGS } from "../flag-groups.js";
import { resolveCommandSettings, showsSettings } from "../run-command.js";
import { addSettingFlags, type SettingFlag } from "../setting-flags.js";
import { table } from "../table.js";
import { type OutputFlags, Terminal } from "../terminal.js";

const FLAGS: readonly SettingFlag[] = [
  { flags: "--data <source>", path: "data", description: "data set or statistics file to compare with" },
  ...IMAGE_FLAGS,
  {
    flags: "--metrics <list>",
    path: "metrics",
    description:
      "fid,kid,inceptionScore,precisionRecall,slicedWasserstein,modeCoverage; of texts trigramDivergence,textPerplexity,validWords,distinctPairs; of moving digits motionError,readableDigits,readableFrames; of pairs fid,validWords,agreement",
    kind: "list",
  },
  ...SAMPLING_FLAGS,
  {
    flags: "--label <class>",
    path: "label",
    description: "class or task to judge; default all in turn",
    kind: "number",
  },
  ...PROMPT_FLAGS,
  ...LANGUAGE_FLAGS,
  { flags: "--extractor <name>", path: "extractor", description: "feature extractor" },
  { flags: "--inception <file>", path: "inception", description: "TorchScript Inception file" },
  {
    flags: "--clip <folder>",
    path: "clip",
    description: "CLIPModel of transformers: CLIP score, how well pictures fit their prompts",
  },
];

/** `disback evaluate`. */
export function addEvaluate(program: Command): void {
  const command = program
    .command("evaluate")
    .argument("<model>", "model folder, run, shipped name, or samples: a folder of images, an .npz")
    .description("Compare samples with data: FID and other metrics.");
  addSettingFlags(command, FLAGS)
    .addHelpText(
      "after",
      `
Examples:
  disback evaluate runs/demo --metrics fid,kid
  disback evaluate runs/teacher --steps 18 --data images/ --count 10000
  disback evaluate runs/lora --prompts prompts.txt --clip clip-vit-base-patch32/ --count 1000
`,
    )
    .action(async (model: string) => {
      const terminal = new Terminal(command.opts<OutputFlags>());
      const { evaluateSchema } = await import("../../runs/settings/sampling.js");
      command.setOptionValue("model", model);
      const flags = [...FLAGS, { flags: "--model <model>", path: "model", description: "" }];
      if (await showsSettings(command, flags, {}, evaluateSchema)) return;
      const { settings } = await resolveCommandSettings(command, flags, {}, evaluateSchema);
      const { evaluateModel } = await import("../../runs/jobs/evaluation.js");
      const result = await evaluateModel(settings, await terminal.progress());
      terminal.result(result.figures, `${table(result.table)}\n\n${result.measuredWith.join("\n")}`);
    });
}

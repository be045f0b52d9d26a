import type { Command } from "commander";
import { resolveCommandSettings, showSettings } from "../run-command.js";
import { addSettingFlags, type SettingFlag } from "../setting-flags.js";
import { table } from "../table.js";
import { type OutputFlags, Terminal } from "../terminal.js";

const FLAGS: readonly SettingFlag[] = [
  { flags: "--data <source>", path: "data", description: "data set or statistics file to compare with" },
  {
    flags: "--resolution <n>",
    path: "resolution",
    description: "width and height images are brought to",
    kind: "number",
  },
  {
    flags: "--skip-broken",
    path: "skipBroken",
    description: "leave out files that cannot be read",
    kind: "switch",
  },
  {
    flags: "--metrics <list>",
    path: "metrics",
    description: "fid,kid,inceptionScore,precisionRecall,slicedWasserstein,modeCoverage",
    kind: "list",
  },
  { flags: "--count <n>", path: "count", description: "samples to draw", kind: "number" },
  { flags: "--batch-size <n>", path: "batchSize", description: "samples drawn at once", kind: "number" },
  {
    flags: "--steps <n>",
    path: "steps",
    description: "sampler steps; 1 for a student, 18 for a teacher",
    kind: "number",
  },
  { flags: "--sampler <name>", path: "sampler", description: "heun, euler or ddim" },
  { flags: "--extractor <name>", path: "extractor", description: "feature extractor" },
  { flags: "--inception <file>", path: "inception", description: "TorchScript Inception file" },
];

/** `disback evaluate`. */
export function addEvaluate(program: Command): void {
  const command = program
    .command("evaluate")
    .argument("<model>", "model folder, run, shipped teacher, or samples: a folder of images, an .npz")
    .description("Compare samples with data: FID and other metrics.");
  addSettingFlags(command, FLAGS)
    .addHelpText(
      "after",
      `
Examples:
  disback evaluate runs/demo --metrics fid,kid
  disback evaluate runs/teacher --steps 18 --data images/ --count 10000
`,
    )
    .action(async (model: string) => {
      const options = command.opts<OutputFlags & { showSettings?: boolean }>();
      const terminal = new Terminal(options);
      const { evaluateSchema } = await import("../../runs/settings/sampling.js");
      command.setOptionValue("model", model);
      const flags = [...FLAGS, { flags: "--model <model>", path: "model", description: "" }];
      const { settings } = await resolveCommandSettings(command, flags, {}, evaluateSchema);
      if (options.showSettings) return showSettings(terminal, evaluateSchema, settings);
      const { evaluateModel } = await import("../../runs/jobs/evaluation.js");
      const result = await evaluateModel(settings, await terminal.progress());
      terminal.result(result.figures, `${table(result.table)}\n\n${result.measuredWith}`);
    });
}

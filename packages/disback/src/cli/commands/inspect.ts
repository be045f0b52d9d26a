import { type Command, Option } from "commander";
import { PIPELINE_FLAGS, type PipelineFlags } from "../flag-groups.js";
import { addFlags, addOutputFlags } from "../setting-flags.js";
import { type OutputFlags, Terminal } from "../terminal.js";
import { whole } from "../whole-number.js";

interface InspectFlags extends OutputFlags, PipelineFlags {
  out?: string;
  resolution?: number;
  channels?: string;
  split?: string;
}

/** `disback inspect`. */
export function addInspect(program: Command): void {
  const command = program
    .command("inspect")
    .argument("<path>", "file or folder")
    .description(
      "Say what a file or folder is: model, text-to-image pipeline, run, trajectory, checkpoint, extractor, safetensors, data set.",
    )
    .option("--out <file>", "data sets: write the first pictures as a PNG, one row per class")
    .option("--resolution <n>", "data sets: show it at this size", whole(1))
    .addOption(
      new Option("--channels <n>", "data sets: show it in grey (1) or colour (3)").choices(["1", "3"]),
    )
    .option("--split <name>", "data sets: train, test, …");
  addOutputFlags(addFlags(command, PIPELINE_FLAGS))
    .addHelpText(
      "after",
      "\nExamples:\n  disback inspect runs/demo\n  disback inspect runs/demo/student/model.safetensors\n  disback inspect photos --out pictures.png\n",
    )
    .action(async (path: string) => {
      const { out, resolution, channels, split, lora, tokenizer, prediction, ...output } =
        command.opts<InspectFlags>();
      const terminal = new Terminal(output);
      const [{ inspect }, { pipelineChoiceOf }] = await Promise.all([
        import("../../runs/inspect/inspect.js"),
        import("../../runs/pipeline-choice.js"),
      ]);
      const options = {
        ...(out === undefined ? {} : { out }),
        ...(resolution === undefined ? {} : { resolution }),
        ...(channels === undefined ? {} : { channels: Number(channels) as 1 | 3 }),
        ...(split === undefined ? {} : { split }),
      };
      const found = await inspect(
        path,
        options,
        await terminal.progress(),
        pipelineChoiceOf({ lora, tokenizer, prediction }),
      );
      const width = Math.max(0, ...found.facts.map(([name]) => name.length));
      const facts = found.facts.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
      terminal.result(
        { path, kind: found.kind, ...(found.document ?? Object.fromEntries(found.facts)) },
        [`${path}: ${found.kind}`, ...facts].join("\n"),
      );
      if (found.hint && !output.json && !output.quiet) terminal.note(found.hint);
    });
}

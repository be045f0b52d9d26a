import type { Command } from "commander";
import { addOutputFlags } from "../setting-flags.js";
import { type OutputFlags, Terminal } from "../terminal.js";

/** `disback inspect`. */
export function addInspect(program: Command): void {
  const command = program
    .command("inspect")
    .argument("<path>", "file or folder")
    .description(
      "Say what a file or folder is: model, run, trajectory, checkpoint, extractor, safetensors, data set.",
    );
  addOutputFlags(command)
    .addHelpText(
      "after",
      "\nExamples:\n  disback inspect runs/demo\n  disback inspect runs/demo/student/model.safetensors\n",
    )
    .action(async (path: string) => {
      const terminal = new Terminal(command.opts<OutputFlags>());
      const { inspect } = await import("../../runs/inspect/inspect.js");
      const found = await inspect(path);
      const width = Math.max(0, ...found.facts.map(([name]) => name.length));
      const facts = found.facts.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
      terminal.result(
        { path, kind: found.kind, ...Object.fromEntries(found.facts) },
        [`${path}: ${found.kind}`, ...facts].join("\n"),
      );
    });
}

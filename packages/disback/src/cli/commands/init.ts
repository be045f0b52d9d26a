import { existsSync } from "node:fs";
import type { Command } from "commander";
import { DisbackError } from "../../errors.js";
import { requireCommand, TRAINING } from "./plan.js";

/** `disback init`: the settings of a command as a YAML file to change. */
export function addInit(program: Command): void {
  const command = program.command("init");
  command
    .argument("<command...>", "a training command, with any of its flags")
    .description("Write a YAML file with the settings of a command and what they mean, for --config.")
    .option("--file <path>", "where to write it", "disback.yaml")
    .option("--force", "replace the file")
    .passThroughOptions()
    .allowUnknownOption()
    .addHelpText(
      "after",
      `
Examples:
  disback init distill --preset demo
  disback init --file teacher.yaml teacher train --data photos/
`,
    )
    .action(async (words: string[]) => {
      const { file, force } = command.opts<{ file: string; force?: boolean }>();
      requireCommand(words, TRAINING, "init");
      if (existsSync(file) && !force)
        throw new DisbackError(`${file}: already there; choose another --file or give --force`);
      await program.parseAsync([...words, "--settings-file", file], { from: "user" });
    });
}

import type { Command } from "commander";
import { UsageError } from "../../errors.js";

/** Commands that train; all have settings. */
export const TRAINING = ["teacher train", "record", "backtrack", "distill", "compare"];

/** `disback plan`: what a training will take, by a few measured steps. */
export function addPlan(program: Command): void {
  program
    .command("plan")
    .argument("<command...>", "a training command with its flags")
    .description("Say how long a training will take, and how much memory and disk, without starting it.")
    .passThroughOptions()
    .allowUnknownOption()
    .addHelpText(
      "after",
      `
Examples:
  disback plan distill --preset demo
  disback plan teacher train --data photos/ --json
  disback plan compare --preset 2d --jobs 8
`,
    )
    .action(async (words: string[]) => {
      requireCommand(words, TRAINING, "plan");
      await program.parseAsync([...words, "--plan"], { from: "user" });
    });
}

/** @throws UsageError if the words do not begin with one of the commands */
export function requireCommand(words: readonly string[], known: readonly string[], name: string): void {
  if (known.some((command) => command.split(" ").every((word, index) => words[index] === word))) return;
  throw new UsageError(`${name}: not "${words[0]}"; takes the words of one of: ${known.join(", ")}`);
}

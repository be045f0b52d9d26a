import tab from "@bomb.sh/tab/commander";
import { Command } from "commander";
import { addBacktrack } from "./commands/backtrack.js";
import { addCompare } from "./commands/compare.js";
import { addDistill } from "./commands/distill.js";
import { addDoctor } from "./commands/doctor.js";
import { addEvaluate } from "./commands/evaluate.js";
import { addExport } from "./commands/export.js";
import { addInit } from "./commands/init.js";
import { addInspect } from "./commands/inspect.js";
import { addPlan } from "./commands/plan.js";
import { addRecord } from "./commands/record.js";
import { addResume } from "./commands/resume.js";
import { addSample } from "./commands/sample.js";
import { addStudio } from "./commands/studio.js";
import { addTeacher } from "./commands/teacher.js";
import { packageVersion } from "./package-version.js";

/**
 * The command line's declaration. Imports nothing heavy: each command loads what it needs when it runs, so help and
 * usage errors appear at once.
 */
export function buildProgram(): Command {
  const program = new Command("disback")
    .description("Turns a many-step diffusion model into a one-step generator by distribution backtracking.")
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "show help")
    .helpCommand("help [command]", "show help of a command")
    // The caller reports this error like every other.
    .configureOutput({ outputError: () => {} })
    .exitOverride()
    // `plan` and `init` pass on the flags of another command.
    .enablePositionalOptions()
    .addHelpText("after", "\nExample:\n  disback distill --preset demo --out runs/demo\n");
  program.commandsGroup("Train and distill:");
  addTeacher(program);
  addRecord(program);
  addBacktrack(program);
  addDistill(program);
  addCompare(program);
  addResume(program);
  addPlan(program);
  addInit(program);
  program.commandsGroup("Use and judge:");
  addSample(program);
  addEvaluate(program);
  addExport(program);
  addInspect(program);
  addStudio(program);
  program.commandsGroup("Help:");
  addDoctor(program);
  addCompletion(program);
  return program;
}

/** `disback completion <shell>`: scripts for bash, zsh, fish and PowerShell, made from the declarations above. */
function addCompletion(program: Command): void {
  tab(program, { completionCommandName: "completion" });
  program.commands
    .find((command) => command.name() === "completion")!
    .description("Print a script that completes commands and flags in your shell.")
    .helpGroup("Help:")
    .addHelpText(
      "after",
      `
Examples:
  source <(disback completion bash)          in ~/.bashrc, after bash-completion
  source <(disback completion zsh)           in ~/.zshrc
  disback completion fish | source           in ~/.config/fish/config.fish
`,
    );
}

import type { Command } from "commander";
import { addOutputFlags } from "../setting-flags.js";
import { type OutputFlags, Terminal } from "../terminal.js";

/** `disback teacher join`. */
export function addTeacherJoin(teacher: Command): void {
  const command = teacher
    .command("join")
    .argument("<name=teacher...>", "a task's name and its teacher: a model folder, a run, a shipped name")
    .description("Make one teacher of several, for one student of several tasks.")
    .requiredOption("--out <folder>", "output model folder")
    .option("--force", "replace what is at --out (the old one is renamed, not deleted)");
  addOutputFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  disback teacher join clothes=fashion-mnist-16 digits=runs/digits --out teachers/both
  disback distill --teacher teachers/both --out runs/both
  disback sample runs/both --label digits/3
`,
    )
    .action(async (given: string[]) => {
      const flags = command.opts<OutputFlags & { out: string; force?: boolean }>();
      const terminal = new Terminal(flags);
      const { joinTeachers } = await import("../../runs/jobs/joining.js");
      const joined = await joinTeachers(given, {
        ...{ out: flags.out, force: flags.force ?? false },
        progress: await terminal.progress(),
      });
      const lines = Object.entries(joined.tasks).map(
        ([name, classes]) => `  ${name}: ${classes} ${classes === 1 ? "class" : "classes"}`,
      );
      terminal.result({ ...joined }, [`${joined.folder}: a teacher of several tasks`, ...lines].join("\n"));
    });
}

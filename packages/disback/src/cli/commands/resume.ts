import type { Command } from "commander";
import { printResult } from "../run-command.js";
import { addOutputFlags } from "../setting-flags.js";
import { type OutputFlags, Terminal } from "../terminal.js";

/** `disback resume`: continues any run. */
export function addResume(program: Command): void {
  const command = program
    .command("resume")
    .argument("<run>", "run folder")
    .description("Continue a run that was stopped or killed, from its newest good checkpoint.");
  addOutputFlags(command)
    .addHelpText("after", "\nExample:\n  disback resume runs/demo\n")
    .action(async (folder: string) => {
      const terminal = new Terminal(command.opts<OutputFlags>());
      const [{ continueJob }, { allJobs }] = await Promise.all([
        import("../../runs/jobs/job.js"),
        import("../../runs/jobs/all.js"),
      ]);
      printResult(terminal, await continueJob(folder, allJobs, await terminal.progress()), folder);
    });
}

import type { Command } from "commander";
import { addSharingFlag, printResult, type SharingFlag, sharing } from "../run-command.js";
import { addOutputFlags } from "../setting-flags.js";
import { openWatched, type StudioFlag } from "../studio/watched.js";
import { type OutputFlags, Terminal } from "../terminal.js";

/** `disback resume`: continues any run. */
export function addResume(program: Command): void {
  const command = program
    .command("resume")
    .argument("<run>", "run folder")
    .description("Continue a run that was stopped or killed, from its newest good checkpoint.");
  addSharingFlag(addOutputFlags(command.option("--studio", "serve a page to watch this run")))
    .addHelpText("after", "\nExample:\n  disback resume runs/demo\n")
    .action(async (folder: string) => {
      const options = command.opts<OutputFlags & SharingFlag & StudioFlag>();
      const terminal = new Terminal(options);
      const [{ continueJob }, { allJobs }] = await Promise.all([
        import("../../runs/jobs/job.js"),
        import("../../runs/jobs/all.js"),
      ]);
      const progress = await terminal.progress();
      const watched = await openWatched(options, folder, progress);
      const surroundings = { progress, ...sharing(options), onFolder: watched.begin };
      printResult(terminal, await continueJob(folder, allJobs, surroundings), folder);
      await watched.end();
    });
}

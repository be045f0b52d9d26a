import type { Command } from "commander";
import { addProcessFlags, joinProcesses, type ProcessFlags, progressOf } from "../processes.js";
import {
  addSharingFlag,
  printResult,
  requireAloneToShare,
  type SharingFlag,
  sharing,
} from "../run-command.js";
import { addOutputFlags } from "../setting-flags.js";
import { openWatched, type StudioFlag } from "../studio/watched.js";
import { type OutputFlags, Terminal } from "../terminal.js";

/** `disback resume`: continues any run. */
export function addResume(program: Command): void {
  const command = program
    .command("resume")
    .argument("<run>", "run folder")
    .description("Continue a run that was stopped or killed, from its newest good checkpoint.");
  addProcessFlags(
    addSharingFlag(addOutputFlags(command.option("--studio", "serve a page to watch this run"))),
  )
    .addHelpText(
      "after",
      `
Examples:
  disback resume runs/demo
  disback resume runs/demo --processes 4       with any number of processes
`,
    )
    .action(async (folder: string) => {
      const options = command.opts<OutputFlags & SharingFlag & StudioFlag & ProcessFlags>();
      const terminal = new Terminal(options);
      requireAloneToShare(options, options.processes);
      const { readRunFolder } = await import("../../runs/run-folder.js");
      const { device } = readRunFolder(folder).settings as { device?: string };
      const processes = await joinProcesses(options, device ?? "cpu");
      if (!processes) return;
      const [{ continueJob }, { allJobs }] = await Promise.all([
        import("../../runs/jobs/job.js"),
        import("../../runs/jobs/all.js"),
      ]);
      const progress = progressOf(processes, await terminal.progress());
      const watched = await openWatched(processes.leads ? options : {}, folder, progress);
      const surroundings = { progress, processes, ...sharing(options), onFolder: watched.begin };
      const result = await continueJob(folder, allJobs, surroundings);
      if (processes.leads) printResult(terminal, result, folder);
      await watched.end();
    });
}

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
import { whole } from "../whole-number.js";

type ResumeFlags = OutputFlags &
  SharingFlag &
  StudioFlag &
  ProcessFlags & { data?: string; otherData?: boolean; threads?: number };

/** `disback resume`: continues any run. */
export function addResume(program: Command): void {
  const command = program
    .command("resume")
    .argument("<run>", "run folder")
    .description("Continue a run that was stopped or killed, from its newest good checkpoint.")
    .option("--data <source>", "new place of the data, if they were moved")
    .option("--other-data", "continue with other data than before")
    .option("--threads <n>", "CPU threads from now on", whole(1));
  addProcessFlags(
    addSharingFlag(addOutputFlags(command.option("--studio", "serve a page to watch this run"))),
  )
    .addHelpText(
      "after",
      `
Examples:
  disback resume runs/demo
  disback resume runs/teacher --data /mnt/photos    the data were moved
  disback resume runs/demo --processes 4       with any number of processes
`,
    )
    .action(async (folder: string) => {
      const options = command.opts<ResumeFlags>();
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
      const { data, threads, otherData = false } = options;
      const result = await continueJob(folder, allJobs, {
        ...{ progress, processes, data, threads, otherData, ...sharing(options) },
        onFolder: watched.begin,
      });
      if (processes.leads) printResult(terminal, result, folder);
      await watched.end();
    });
}

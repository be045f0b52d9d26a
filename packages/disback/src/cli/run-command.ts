import { type Command, Option } from "commander";
import type { z } from "zod";
import { UsageError } from "../errors.js";
import { writeFileAtomically } from "../runs/atomic-file.js";
import type { Job, JobResult } from "../runs/jobs/job.js";
import type { SeveralOptions, SeveralPlan } from "../runs/plan/several.js";
import type { SettingsTree } from "../runs/settings/layers.js";
import type { SettingsSources } from "../runs/settings/resolve.js";
import { shellWord } from "../shell-word.js";
import { addBriefHelp } from "./brief-help.js";
import { packageVersion } from "./package-version.js";
import { addProcessFlags, joinProcesses, type ProcessFlags, progressOf } from "./processes.js";
import { addSettingFlags, flagsByPath, type SettingFlag, settingsFromFlags } from "./setting-flags.js";
import { openWatched, type StudioFlag } from "./studio/watched.js";
import { table } from "./table.js";
import { type OutputFlags, Terminal } from "./terminal.js";

/** Flags of a command that makes a run folder. */
export function addRunFlags(
  command: Command,
  own: readonly SettingFlag[],
  presets: readonly string[],
  out: string,
): Command {
  addSettingFlags(command, own, presets)
    .option("--out <folder>", "run folder", out)
    .option("--studio", "serve a page to watch this run")
    .option("--force", "replace an earlier run in that folder (the old one is renamed, not deleted)")
    .addOption(planOption());
  return addBriefHelp(addProcessFlags(command));
}

/** What `disback plan <command> …` adds to the command's flags. */
export function planOption(): Option {
  return new Option("--plan", "measure a few steps and say what the run will take").hideHelp();
}

/** Value of `--share-trajectories`. */
export interface SharingFlag {
  shareTrajectories?: string;
}

/** `--share-trajectories`, for commands that record. */
export function addSharingFlag(command: Command): Command {
  return command.option(
    "--share-trajectories <folder>",
    "reuse a trajectory from this folder if the same one was recorded before, else store it there",
  );
}

/** What the flag means for a job. */
export function sharing({ shareTrajectories }: SharingFlag): { trajectories?: string } {
  return shareTrajectories === undefined ? {} : { trajectories: shareTrajectories };
}

/**
 * Resolves the settings, runs the job in its run folder and prints the result. The job (and libtorch with it) is loaded
 * only after the settings are valid.
 */
export async function runCommand<Schema extends z.ZodType>(
  command: Command,
  own: readonly SettingFlag[],
  presets: Readonly<Record<string, SettingsTree>>,
  schema: Schema,
  loadJob: () => Promise<Job<Schema>>,
): Promise<void> {
  const options = command.opts<
    OutputFlags &
      SharingFlag &
      StudioFlag &
      ProcessFlags & {
        preset?: string;
        config?: string;
        out: string;
        force?: boolean;
        plan?: boolean;
      }
  >();
  const terminal = new Terminal(options);
  if (await showsSettings(command, own, presets, schema)) return;
  const resolved = await resolveCommandSettings(command, own, presets, schema);
  if (options.plan) return showPlan(terminal, await loadJob(), resolved.settings, options);
  requireAloneToShare(options, options.processes);
  const { device } = resolved.settings as { device: string };
  const processes = await joinProcesses(options, device);
  if (!processes) return;
  const [job, { startJob }] = await Promise.all([loadJob(), import("../runs/jobs/job.js")]);
  const progress = progressOf(processes, await terminal.progress());
  const watched = await openWatched(processes.leads ? options : {}, options.out, progress);
  const result = await startJob(job, resolved.settings, {
    folder: options.out,
    force: options.force ?? false,
    ...(resolved.preset === undefined ? {} : { preset: resolved.preset }),
    version: packageVersion(),
    progress,
    processes,
    ...sharing(options),
    onFolder: watched.begin,
  });
  if (processes.leads) printResult(terminal, result, options.out);
  await watched.end();
}

/** What `disback plan` prints. */
async function showPlan<Schema extends z.ZodType>(
  terminal: Terminal,
  job: Job<Schema>,
  settings: z.output<Schema>,
  { processes }: ProcessFlags,
): Promise<void> {
  if (processes !== undefined) throw new UsageError("--processes: a plan measures a single process");
  const [{ planRun }, { describePlan }] = await Promise.all([
    import("../runs/plan/plan.js"),
    import("../runs/plan/describe.js"),
  ]);
  const plan = await planRun(job, settings, {
    progress: await terminal.progress(),
    version: packageVersion(),
  });
  const { rows, lines } = describePlan(plan);
  terminal.result({ ...plan }, [table(rows), "", ...lines].join("\n"));
}

/** The same for a command that makes several runs. */
export async function showSeveralPlan(
  terminal: Terminal,
  jobs: number,
  plan: (options: SeveralOptions) => Promise<SeveralPlan>,
): Promise<void> {
  const { describeSeveral } = await import("../runs/plan/describe.js");
  const planned = await plan({ jobs, progress: await terminal.progress(), version: packageVersion() });
  const { rows, lines } = describeSeveral(planned);
  terminal.result({ ...planned }, [table(rows), "", ...lines].join("\n"));
}

/** A shared trajectory is recorded by a single process: the other processes of a run could not wait for another run. */
export function requireAloneToShare({ shareTrajectories }: SharingFlag, processes: number | undefined): void {
  const several = processes !== undefined || process.env.WORLD_SIZE !== undefined;
  if (several && shareTrajectories !== undefined)
    throw new UsageError("--share-trajectories: only for runs of a single process");
}

/** The validated settings: defaults < preset < file < flags. */
export async function resolveCommandSettings<Schema extends z.ZodType>(
  command: Command,
  own: readonly SettingFlag[],
  presets: Readonly<Record<string, SettingsTree>>,
  schema: Schema,
): Promise<{ settings: z.output<Schema>; preset?: string }> {
  const { resolveSettings } = await import("../runs/settings/resolve.js");
  return resolveSettings(schema, sourcesOf(command, own, presets));
}

function sourcesOf(
  command: Command,
  own: readonly SettingFlag[],
  presets: Readonly<Record<string, SettingsTree>>,
): SettingsSources {
  const { preset, config } = command.opts<{ preset?: string; config?: string }>();
  return {
    presets,
    ...(preset === undefined ? {} : { preset }),
    ...(config === undefined ? {} : { file: config }),
    flags: settingsFromFlags(command, own),
    flagNames: flagsByPath(own),
  };
}

/**
 * Prints the settings as a YAML file that `--config` takes if `--show-settings` asks for it, or writes it for `disback
 * init`. Needs nothing else: what is required but not given stands there as a comment.
 */
export async function showsSettings(
  command: Command,
  own: readonly SettingFlag[],
  presets: Readonly<Record<string, SettingsTree>>,
  schema: z.ZodType,
): Promise<boolean> {
  const { showSettings, settingsFile, ...output } = command.opts<
    OutputFlags & { showSettings?: boolean; settingsFile?: string }
  >();
  if (!showSettings && settingsFile === undefined) return false;
  const [{ settingsTemplate }, { settingsToYaml }] = await Promise.all([
    import("../runs/settings/resolve.js"),
    import("../runs/settings/describe.js"),
  ]);
  const { settings, missing } = settingsTemplate(schema, sourcesOf(command, own, presets));
  const yaml = settingsToYaml(settings, schema, { missing, brief: settingsFile !== undefined });
  const terminal = new Terminal(output);
  if (settingsFile === undefined) terminal.result(settings, yaml.trimEnd());
  else {
    const use = `disback ${nameOf(command)} --config ${shellWord(settingsFile)}`;
    writeFileAtomically(settingsFile, `# Settings of: ${use}\n${yaml}`);
    terminal.result({ file: settingsFile, missing }, `${settingsFile}: change it, and then: ${use}`);
  }
  return true;
}

/** `teacher train` */
function nameOf(command: Command): string {
  const { parent } = command;
  return parent?.parent ? `${nameOf(parent)} ${command.name()}` : command.name();
}

/** The table of figures and the paths of the results. */
export function printResult(terminal: Terminal, result: JobResult, folder: string): void {
  const width = Math.max(...result.places.map(([name]) => name.length));
  const places = result.places.map(([name, path]) => `${name.padEnd(width)}  ${path}`).join("\n");
  const text = result.table.length > 0 ? `\n${table(result.table)}\n\n${places}` : places;
  terminal.result({ run: folder, ...result.figures, ...Object.fromEntries(result.places) }, text);
}

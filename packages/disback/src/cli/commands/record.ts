import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { UsageError } from "../../errors.js";
import { recordPresets } from "../../runs/presets.js";
import type { recordSchema } from "../../runs/settings/distillation.js";
import { GRAPH_FLAGS, NETWORK_FLAGS, RESOLUTION_FLAG, RUN_FLAGS, STORAGE_FLAGS } from "../flag-groups.js";
import { jobsOf } from "../jobs.js";
import {
  addRunFlags,
  addSharingFlag,
  resolveCommandSettings,
  runCommand,
  showSeveralPlan,
} from "../run-command.js";
import type { SettingFlag } from "../setting-flags.js";
import { type OutputFlags, Terminal } from "../terminal.js";

const FLAGS: readonly SettingFlag[] = [
  ...NETWORK_FLAGS,
  RESOLUTION_FLAG,
  { flags: "--steps <n>", path: "recording.steps", description: "steps of the recording", kind: "number" },
  { flags: "--interval <n>", path: "recording.interval", description: "steps between nodes", kind: "number" },
  ...STORAGE_FLAGS,
  { flags: "--batch-size <n>", path: "recording.batchSize", description: "samples per step", kind: "number" },
  {
    flags: "--learning-rate <rate>",
    path: "recording.learningRate",
    description: "learning rate",
    kind: "number",
  },
  ...GRAPH_FLAGS,
  ...RUN_FLAGS,
];

/** `disback record`: stage 1, the trajectory. */
export function addRecord(program: Command): void {
  const command = program
    .command("record")
    .description("Record how the teacher degrades when fitted to the initial student: the trajectory.");
  addSharingFlag(addRunFlags(command, FLAGS, Object.keys(recordPresets), "runs/record"))
    .option("--seeds <list>", "record one path per seed, in <out>/seed-<n>; continues where it was stopped")
    .option("--jobs <n>", "with --seeds: parallel paths, one process each; default one per core")
    .addHelpText(
      "after",
      `
Examples:
  disback record --teacher runs/teacher --steps 40 --interval 10 --out runs/record
  disback record --teacher 2d-ring --student untrained --seeds 1,2,3 --jobs 2 --out runs/paths
`,
    )
    .action(async () => {
      const { recordSchema } = await import("../../runs/settings/distillation.js");
      if (command.opts<SeveralFlags>().seeds !== undefined) return recordSeveral(command, recordSchema);
      const loadJob = async () => (await import("../../runs/jobs/record.js")).recordingJob;
      await runCommand(command, FLAGS, recordPresets, recordSchema, loadJob);
    });
}

type SeveralFlags = OutputFlags & {
  seeds?: string;
  seed?: string;
  jobs?: string;
  out: string;
  force?: boolean;
  shareTrajectories?: string;
  plan?: boolean;
};

async function recordSeveral(command: Command, schema: typeof recordSchema): Promise<void> {
  const options = command.opts<SeveralFlags>();
  const seeds = options.seeds!.split(",").map(Number);
  if (seeds.some((seed) => !Number.isInteger(seed) || seed < 0) || new Set(seeds).size < seeds.length)
    throw new UsageError(`--seeds ${options.seeds}: must be different whole numbers from 0, as in 1,2,3`);
  const excluded = {
    "--seed": options.seed,
    "--force": options.force,
    "--share-trajectories": options.shareTrajectories,
  };
  for (const [flag, value] of Object.entries(excluded))
    if (value !== undefined) throw new UsageError(`${flag} and --seeds exclude each other`);
  const terminal = new Terminal(options);
  const { settings } = await resolveCommandSettings(command, FLAGS, recordPresets, schema);
  const jobs = jobsOf(options.jobs, { device: settings.device, threads: settings.threads ?? 1 });
  if (options.plan) {
    const { planPaths } = await import("../../runs/plan/several.js");
    return showSeveralPlan(terminal, jobs, (around) => planPaths(settings, seeds, around));
  }
  const { recordPaths } = await import("../../runs/record-paths.js");
  const paths = await recordPaths(settings, {
    ...{ out: options.out, seeds, jobs, progress: await terminal.progress() },
    commandLine: [fileURLToPath(new URL("../main.js", import.meta.url))],
  });
  terminal.result(
    { paths },
    Object.entries(paths)
      .map(([seed, folder]) => `${seed}  ${folder}`)
      .join("\n"),
  );
}

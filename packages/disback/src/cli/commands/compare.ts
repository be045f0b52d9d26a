import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { comparePresets } from "../../runs/compare/presets.js";
import { TEACHER_FLAGS } from "../flag-groups.js";
import { jobsOf } from "../jobs.js";
import { planOption, resolveCommandSettings, showSeveralPlan, showsSettings } from "../run-command.js";
import { addSettingFlags, type SettingFlag } from "../setting-flags.js";
import { table } from "../table.js";
import { type OutputFlags, Terminal } from "../terminal.js";

const FLAGS: readonly SettingFlag[] = [
  ...TEACHER_FLAGS,
  {
    flags: "--students <list>",
    path: "students",
    description: "students, one comparison for each: same, untrained, small, or config files",
    kind: "list",
  },
  { flags: "--seeds <list>", path: "seeds", description: "seeds that are reported", kind: "list" },
  { flags: "--methods <list>", path: "only", description: "names of the methods to run", kind: "list" },
  { flags: "--protocol <name>", path: "protocol", description: "paper or best" },
  { flags: "--baseline <method>", path: "baseline", description: "method that the others are compared with" },
  { flags: "--figure <name>", path: "figure", description: "figure compared, lower is better" },
  {
    flags: "--iterations <n>",
    path: "common.backtracking.iterations",
    description: "student steps of every run",
    kind: "number",
  },
  {
    flags: "--data <source>",
    path: "common.data",
    description: "data set to compare with: a path, or toy:ring, …",
  },
];

/** `disback compare`: the convergence of several methods. */
export function addCompare(program: Command): void {
  const command = program
    .command("compare")
    .description(
      "Compare the convergence of methods from the same teacher, student and seeds. Continues where it was stopped.",
    );
  addSettingFlags(command, FLAGS, Object.keys(comparePresets), { seed: false })
    .option("--out <folder>", "folder of the comparison", "runs/compare")
    .option("--force", "set an earlier comparison in that folder aside (it is renamed, not deleted)")
    .option("--jobs <n>", "parallel runs, one process each; default one per core (one on a GPU)")
    .addOption(planOption())
    .addHelpText(
      "after",
      `
Examples:
  disback compare --preset 2d-smoke --out runs/smoke
  disback compare --preset fashion-mnist-16 --students untrained --protocol best --jobs 8
  disback compare --preset objectives-ring --methods diff-instruct,sid,regression --seeds 1 --protocol paper
`,
    )
    .action(() => compare(command));
}

async function compare(command: Command): Promise<void> {
  const options = command.opts<
    OutputFlags & { preset?: string; out: string; force?: boolean; jobs?: string; plan?: boolean }
  >();
  const terminal = new Terminal(options);
  const { compareSchema } = await import("../../runs/settings/compare.js");
  if (await showsSettings(command, FLAGS, comparePresets, compareSchema)) return;
  const resolved = await resolveCommandSettings(command, FLAGS, comparePresets, compareSchema);
  const jobs = jobsOf(options.jobs, resolved.settings);
  if (options.plan) {
    const { planComparison } = await import("../../runs/plan/several.js");
    return showSeveralPlan(terminal, jobs, (around) => planComparison(resolved.settings, around));
  }
  const [{ performComparison }, { tableNote, tableOfCase }, { verdictOf }, { studentText }] =
    await Promise.all([
      import("../../runs/compare/perform.js"),
      import("../../runs/compare/table.js"),
      import("../../runs/compare/verdict.js"),
      import("../../runs/compare/wording.js"),
    ]);
  const { document, places } = await performComparison(resolved.settings, {
    out: options.out,
    force: options.force ?? false,
    ...(resolved.preset === undefined ? {} : { preset: resolved.preset }),
    jobs,
    commandLine: [fileURLToPath(new URL("../main.js", import.meta.url))],
    progress: await terminal.progress(),
  });
  const tables = document.cases.map(
    (part) =>
      `\nstudent: ${studentText(part.student)}\n${verdictOf(document, part)}\n${table(tableOfCase(document, part))}\n`,
  );
  const width = Math.max(...places.map(([name]) => name.length));
  const where = places.map(([name, path]) => `${name.padEnd(width)}  ${path}`);
  terminal.result(
    { ...document, ...Object.fromEntries(places) },
    [...tables, tableNote(document), "", ...where].join("\n"),
  );
}

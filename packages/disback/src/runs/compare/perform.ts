import { join } from "node:path";
import { writeFileAtomically } from "../atomic-file.js";
import type { Progress } from "../progress.js";
import { type CompareSettings, methodsOf } from "../settings/compare.js";
import { buildDocument, figureOf } from "./build-document.js";
import type { CommandLine } from "./child-process.js";
import { type ComparisonDocument, documentJson } from "./document.js";
import { openComparisonFolder } from "./folder.js";
import { writePage } from "./page.js";
import { candidateRates, planRuns } from "./plan.js";
import { writePlots } from "./plots.js";
import { runAll } from "./run-all.js";
import { chooseRates, type Sweep } from "./sweep.js";

/** Options of a comparison. */
export interface ComparisonOptions {
  /** Folder of the comparison. */
  out: string;
  /** Set an earlier comparison in that folder aside. */
  force: boolean;
  preset?: string;
  /** Number of parallel runs. */
  jobs: number;
  commandLine: CommandLine;
  progress: Progress;
}

/** The result of a comparison. */
export interface ComparisonResult {
  document: ComparisonDocument;
  places: [name: string, path: string][];
}

/**
 * Runs the missing runs of a comparison, and reports: `compare.json`, `compare.html`, `plots/`.
 *
 * With the protocol `best` the sweep comes first, on separate seeds. Only the chosen rates are run on the reported
 * seeds.
 *
 * @throws DisbackError if a run fails, ComparisonStopped after a signal; finished runs are kept and not repeated
 */
export async function performComparison(
  settings: CompareSettings,
  options: ComparisonOptions,
): Promise<ComparisonResult> {
  const { out, progress } = options;
  const { students, seeds } = settings;
  const methods = methodsOf(settings);
  // This also checks all settings, before anything is written.
  const paper = planRuns(settings, { students, methods, seeds });
  const candidates = settings.protocol === "best" ? candidateRates(settings) : undefined;
  const lock = openComparisonFolder(out, settings, {
    force: options.force,
    notice: (line) => progress.notice(line),
  });
  try {
    let sweep: Sweep | undefined;
    if (candidates) {
      const tuning = planRuns(settings, {
        students,
        methods,
        seeds: settings.learningRates!.seeds,
        rates: () => candidates,
      });
      const teacher = await runAll("choosing learning rates", tuning, options);
      sweep = chooseRates(out, tuning, candidates, figureOf(settings, teacher));
    }
    const chosen = sweep;
    const runs = chosen
      ? planRuns(settings, {
          students,
          methods,
          seeds,
          rates: (student, method) => [chosen(student, method).rates],
        })
      : paper;
    const teacher = await runAll("comparing", runs, options);
    const document = buildDocument(settings, options, runs, teacher, sweep);
    writeFileAtomically(join(out, "compare.json"), documentJson(document));
    await writePlots(join(out, "plots"), document);
    const page = writePage(out, document);
    return {
      document,
      places: [
        ["page", page],
        ["figures", join(out, "compare.json")],
        ["plots", join(out, "plots")],
      ],
    };
  } finally {
    lock.release();
  }
}

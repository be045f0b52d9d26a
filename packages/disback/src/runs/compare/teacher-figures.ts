import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { DisbackError } from "../../errors.js";
import { writeFileAtomically } from "../atomic-file.js";
import type { DistillSettings } from "../settings/distillation.js";
import { type CommandLine, startCommand } from "./child-process.js";
import type { Task } from "./pool.js";

const FILE = "teacher.json";

const teacherFile = z.object({
  settings: z.record(z.string(), z.unknown()),
  figures: z.record(z.string(), z.number()),
});

/** Evaluates the teacher like the students of a run, with `disback evaluate`, and stores the result. */
export function judgeTeacherTask(out: string, run: DistillSettings, commandLine: CommandLine): Task {
  const settings = evaluationOf(run);
  const file = join(out, "teacher-settings.json");
  return {
    async start() {
      writeFileAtomically(file, `${JSON.stringify(settings, null, 2)}\n`);
      return startCommand(commandLine, ["evaluate", run.teacher, "--config", file], run.threads ?? 1);
    },
    settle(outcome) {
      if ("error" in outcome) throw new DisbackError(`judging the teacher: ${outcome.error.message}`);
      const figures = JSON.parse(outcome.output) as Record<string, unknown>;
      const numbers = Object.fromEntries(
        Object.entries(figures).filter(([, value]) => typeof value === "number"),
      ) as Record<string, number>;
      const content: z.output<typeof teacherFile> = { settings, figures: numbers };
      writeFileAtomically(join(out, FILE), `${JSON.stringify(content, null, 2)}\n`);
    },
  };
}

/** The stored figures, if the teacher was evaluated in the same way before. */
export function teacherFigures(out: string, run: DistillSettings): Record<string, number> | undefined {
  const path = join(out, FILE);
  if (!existsSync(path)) return undefined;
  try {
    const parsed = teacherFile.safeParse(JSON.parse(readFileSync(path, "utf8")));
    return parsed.success && isDeepStrictEqual(parsed.data.settings, evaluationOf(run))
      ? parsed.data.figures
      : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Settings of `disback evaluate` that evaluate the teacher as the run evaluates its student. */
function evaluationOf(run: DistillSettings): Record<string, unknown> {
  const { evaluation } = run;
  const settings = {
    data: evaluation.reference ?? run.data,
    resolution: run.resolution,
    skipBroken: run.skipBroken,
    device: run.device,
    threads: run.threads,
    seed: evaluation.seed,
    count: evaluation.samples,
    batchSize: evaluation.batchSize,
    steps: evaluation.teacherSteps,
    extractor: evaluation.extractor,
    inception: evaluation.inception,
    unconditional: run.unconditional || undefined,
  };
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

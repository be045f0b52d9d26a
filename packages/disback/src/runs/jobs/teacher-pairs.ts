import { keep, type Module } from "@disback/torch";
import type { DenoiserStudent } from "../../distill/denoiser-student.js";
import type { SamplePool } from "../../distill/sample-pool.js";
import { teacherPairsInParts } from "../../distill/teacher-pairs.js";
import { eachRows } from "../../models/condition.js";
import type { DenoiserModule } from "../../models/denoiser.js";
import { type GuidanceOptions, guided } from "../../models/guided-denoiser.js";
import { type Between, showWork } from "../long-work.js";
import type { OpenedModel } from "../opened-model.js";
import { StepTime } from "../step-time.js";
import type { JobContext } from "./job.js";

/** How samples that a student learns from are called while they are drawn: those of an objective, those of the imitation. */
export const PAIRS = "drawing what the student learns from";
export const IMITATED_PAIRS = "drawing what the student imitates";

/** What guidance of a teacher of prompts leads away from. */
export function guidanceOptionsOf(
  { prompts }: OpenedModel<Module>,
  guidance: number,
): GuidanceOptions | undefined {
  return prompts && guidance !== 1 ? { negative: eachRows(prompts.none(), keep) } : undefined;
}

/** Samples of a teacher for latents of the student, with progress. */
export interface PairsToDraw {
  teacher: OpenedModel<DenoiserModule>;
  student: DenoiserStudent;
  guidance: number;
  count: number;
  /** of the teacher's sampler */
  steps: number;
  seed: number;
  label?: string;
  /** gets the time of drawing */
  spent?: StepTime;
}

export async function drawTeacherPairs(wanted: PairsToDraw, context: JobContext): Promise<SamplePool> {
  const { teacher, student, guidance, label = PAIRS, spent = new StepTime(), ...pairs } = wanted;
  const who = guided(teacher.module.eval(), guidance, guidanceOptionsOf(teacher, guidance));
  const draw = (between: Between) => teacherPairsInParts(who, student, pairs, between);
  const { result } = await spent.of(() => showWork(context, { label, total: pairs.count }, draw));
  return result;
}

import type { Device, Module } from "@disback/torch";
import type { Student } from "../../distill/student.js";
import { DenoiserModule } from "../../models/denoiser.js";
import { partsOf } from "../../training/micro-batches.js";
import { describeNeeds, memoryNeeds, memoryOf, type SavingSettings, savings } from "../memory-needs.js";
import type { OpenedModel } from "../opened-model.js";
import type { JobContext } from "./job.js";

/** Needs below this are not worth a line before a run; a plan always has it. */
const WORTH_A_LINE = 1e9;

/** Settings that decide what a distillation needs. */
interface NeedySettings extends SavingSettings {
  device: string;
  microBatch?: number | undefined;
  recording?: { batchSize: number };
  backtracking?: { batchSize: number; betas?: readonly [number, number] | undefined };
}

/** Says what a distillation of a denoiser will need, and what would make it fit, before it starts; generators are small. */
export function tellMemoryNeeds(
  settings: NeedySettings,
  { teacher, student }: { teacher: OpenedModel<Module>; student: Student },
  stages: { auxiliary: boolean; nodes: boolean },
  { progress, processes, rehearsal }: JobContext,
): void {
  const { module } = teacher;
  if (!(module instanceof DenoiserModule)) return;
  const { recording, backtracking, microBatch } = settings;
  const batches = [...(stages.nodes || !backtracking ? [recording] : []), backtracking]
    .filter((stage) => stage !== undefined)
    .map((stage) => processes.share(stage.batchSize, '"batchSize"'));
  const samples = Math.max(...batches.map((batch) => batch / partsOf(batch, microBatch)));
  const needs = memoryNeeds(module, student, {
    ...{ samples, ...stages, wholeBatch: batches.includes(samples) },
    momentKinds: (backtracking?.betas?.[0] ?? 0) === 0 ? 1 : 2,
  });
  const available = memoryOf(settings.device as Device);
  const line = describeNeeds(needs, available, savings(needs, settings, samples));
  if (rehearsal) rehearsal.needs = line;
  else if (needs.together >= WORTH_A_LINE || needs.together > (available ?? Number.POSITIVE_INFINITY))
    progress.notice(line);
}

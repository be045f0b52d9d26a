import { shortBytes, shortDuration, shortNumber } from "../wording.js";
import type { DiskUse } from "./disk.js";
import type { MemoryParts } from "./memory.js";
import type { RunPlan } from "./plan.js";
import type { SeveralPlan } from "./several.js";

/** Work below this many seconds is not worth a line. */
const WORTH_A_ROW = 1;

/** A plan for people: a table of times, and lines about memory and disk. */
export function describePlan(plan: RunPlan): { rows: string[][]; lines: string[] } {
  const times = plan.stages.map((stage) => [
    stage.label,
    `${stage.steps.toLocaleString("en")} x ${perStep(stage.stepSeconds)}`,
    stage.evaluations > 0
      ? `${stage.evaluations.toLocaleString("en")} x ${perStep(stage.evaluationSeconds)}`
      : "",
    shortDuration(stage.seconds),
  ]);
  const besides = plan.besides
    .filter(({ seconds }) => seconds >= WORTH_A_ROW)
    .map(({ label, seconds }) => [label, "", "", shortDuration(seconds)]);
  const { memory, disk, diskBytes } = plan;
  return {
    rows: [
      ["time", "steps", "evaluations", "together"],
      ...times,
      ...besides,
      ["all", "", "", `about ${shortDuration(plan.seconds)}`],
    ],
    lines: [
      `memory  ${shortBytes(memory.process)} for the process; tensors at most ${shortBytes(memory.tensors.peak)} (${memory.stage}): ${describeMemory(memory.tensors)}`,
      ...(memory.needs === undefined ? [] : [memory.needs.replace("memory:", "        worked out:")]),
      `disk    about ${shortBytes(diskBytes)}: ${disk.map(describeDisk).join(", ")}`,
      "measured with a few steps of every stage; nothing was started, no folder is left. Early ends make it shorter.",
    ],
  };
}

/** The same for several runs. */
export function describeSeveral(plan: SeveralPlan): { rows: string[][]; lines: string[] } {
  const { groups, teacherSeconds, jobs } = plan;
  const runs = groups.map(({ label, runs, each }) => [
    label,
    `${runs.toLocaleString("en")} x ${shortDuration(each.seconds)}`,
    shortDuration(runs * each.seconds),
  ]);
  return {
    rows: [
      ["time", "runs", "together"],
      ...runs,
      ...(teacherSeconds >= WORTH_A_ROW ? [["judging the teacher", "", shortDuration(teacherSeconds)]] : []),
      [jobs > 1 ? `all, ${jobs} at once` : "all", "", `about ${shortDuration(plan.seconds)}`],
    ],
    lines: [
      `memory  ${shortBytes(plan.memoryBytes)} for ${jobs > 1 ? `${jobs} processes` : "the process"}`,
      `disk    about ${shortBytes(plan.diskBytes)}`,
      "measured with a few steps of one run of each; nothing was started, no folder is left. Runs that share a trajectory take less.",
    ],
  };
}

/** `0.13 s`, `4 ms`, `2 min 5 s`. */
function perStep(seconds: number): string {
  if (seconds < 0.1) return `${shortNumber(1000 * seconds)} ms`;
  return seconds < 60 ? `${shortNumber(seconds)} s` : shortDuration(seconds);
}

function describeMemory({ weights, gradients, moments, averages, activations }: MemoryParts): string {
  return Object.entries({ "weights and data": weights, gradients, moments, averages, activations })
    .map(([name, bytes]) => `${name} ${shortBytes(bytes)}`)
    .join(", ");
}

function describeDisk({ name, count, bytes }: DiskUse): string {
  return `${name} ${count > 1 ? `${count.toLocaleString("en")} x ${shortBytes(bytes / count)}` : shortBytes(bytes)}`;
}

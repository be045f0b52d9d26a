import { totalmem } from "node:os";
import {
  type Device,
  Generator,
  isStreamed,
  type Module,
  memoryStatistics,
  resetPeakMemory,
  scope,
  type Tensor,
} from "@disback/torch";
import { deviceOf, draw, generate, type Student } from "../distill/student.js";
import { LowRankDenoiser } from "../models/adapters/low-rank-denoiser.js";
import { TaskAdapters } from "../models/tasks/task-adapters.js";
import { bytesOf } from "../models/tensor-bytes.js";
import { shortBytes } from "./wording.js";

/** What a distillation holds at its fullest moment, in bytes. Worked out, not measured, but for the activations. */
export interface MemoryNeeds {
  /** the teacher's weights, which adapters stand on */
  base: number;
  /** whether `base` stays outside, but for a layer's weight at a time */
  streamed: boolean;
  /** student, its average, auxiliary model and node: their weights */
  models: number;
  /** whether these are adapters */
  adapters: boolean;
  /** Adam's, of the student and the auxiliary model */
  moments: number;
  /** of one of them: only one network's gradients exist at a time */
  gradients: number;
  /** of the samples that are computed at once */
  activations: number;
  /** the process itself: on a CPU, libtorch and Node; on a GPU nothing */
  process: number;
  together: number;
}

/** What decides the needs besides the networks. */
export interface NeedsOptions {
  /** samples computed at once, the most of all stages */
  samples: number;
  /** whether a batch is computed at once: then the student's graph is held while the auxiliary model learns */
  wholeBatch: boolean;
  /** Adam's moments for each weight: one if beta1 is 0 */
  momentKinds: number;
  /** whether there is an auxiliary model, and nodes of a trajectory as targets */
  auxiliary: boolean;
  nodes: boolean;
}

/** libtorch, Node and the allocator's reserve, by `bench/adapters.mjs --network tiny`, rounded up. */
const PROCESS = 0.3e9;
/** A backward pass needs more than the forward pass left: the gradient of what it is at. */
const BACKWARD = 1.1;

/**
 * Works out what a distillation needs, by the networks' sizes and one pass of the student on one sample, whose
 * activations count for each sample.
 */
export function memoryNeeds(teacher: Module, student: Student, options: NeedsOptions): MemoryNeeds {
  const { samples, wholeBatch, momentKinds, auxiliary, nodes } = options;
  const { module } = student;
  const adapters =
    module instanceof TaskAdapters || (module instanceof LowRankDenoiser && module.base === teacher);
  const weights = [...teacher.stateDict().values()];
  const outside = weights.filter(isStreamed);
  const own = allBytes([...module.stateDict().values()]);
  const copy = adapters ? own : allBytes(weights);
  const trained = auxiliary ? [own, copy] : [own];
  const base = allBytes(weights);
  const resident = base - allBytes(outside) + Math.max(0, ...outside.map((weight) => bytesOf(weight)));
  const models = sum(trained) + own + (nodes ? copy : 0);
  const moments = momentKinds * sum(trained);
  const gradients = Math.max(...trained);
  const graphs = adapters || !wholeBatch || !auxiliary ? 1 : 2;
  const activations = Math.round(BACKWARD * graphs * samples * activationsOfOne(student));
  const process = deviceOf(student) === "cpu" ? PROCESS : 0;
  return {
    ...{ base, streamed: outside.length > 0, models, adapters, moments, gradients, activations, process },
    together: resident + models + moments + gradients + activations + process,
  };
}

/** The most that one sample's pass with a graph takes. Changes nothing, not even random streams. */
function activationsOfOne(student: Student): number {
  const { module } = student;
  const device = deviceOf(student);
  const { training } = module;
  const trained = module.parameters().map((weight) => [weight, weight.requiresGrad] as const);
  // Evaluation draws no dropout.
  module.eval().requiresGrad_(true);
  try {
    return scope(() => {
      const drawn = draw(student, 1, new Generator(0, device));
      const { live } = memoryStatistics(device);
      resetPeakMemory(device);
      const samples = generate(student, drawn);
      const { peak } = memoryStatistics(device);
      samples.dispose();
      return peak - live;
    });
  } finally {
    module.train(training);
    for (const [weight, needed] of trained) weight.requiresGrad_(needed);
  }
}

/** What the settings already do to need less. */
export interface SavingSettings {
  rank?: number | undefined;
  adaptedLayers?: "all" | "attention" | undefined;
  offload?: boolean;
  precision: "f32" | "bf16";
  activationCheckpointing: boolean;
}

/** Flags that would make it need less, the cheapest first. */
export function savings(
  { base, adapters, streamed }: MemoryNeeds,
  settings: SavingSettings,
  samples: number,
): string[] {
  return [
    ...(settings.activationCheckpointing ? [] : ["--activation-checkpointing"]),
    ...(samples > 1 ? ["--micro-batch"] : []),
    ...(adapters ? [] : ["--rank 64"]),
    ...(adapters && settings.adaptedLayers === "all"
      ? ["--set adaptedLayers=attention, or a smaller --rank"]
      : []),
    ...(adapters && settings.precision === "f32" ? ["--precision bf16"] : []),
    ...(adapters && !streamed && base > 0 ? ["--offload"] : []),
  ];
}

/** Memory that a training on this device may have, in bytes; undefined if it is not known. */
export function memoryOf(device: Device): number | undefined {
  if (device !== "cpu") return undefined;
  // Of the control group, 0 or absurdly large without one.
  const limit = process.constrainedMemory();
  return limit > 0 && limit < totalmem() ? limit : totalmem();
}

/** `memory: base 3.4 GB, adapters 1.1 GB, … together about 6.9 GB of 25 GB`, and what to do if that is too much. */
export function describeNeeds(
  needs: MemoryNeeds,
  available: number | undefined,
  less: readonly string[],
): string {
  const { base, streamed, models, adapters, moments, gradients, activations, together } = needs;
  const parts = [
    `${adapters ? "base" : "teacher"} ${shortBytes(base)}${streamed ? " (outside)" : ""}`,
    `${adapters ? "adapters" : "student, auxiliary model and node"} ${shortBytes(models)}`,
    `moments ${shortBytes(moments)}`,
    `gradients ${shortBytes(gradients)}`,
    `activations about ${shortBytes(activations)}`,
    ...(needs.process > 0 ? [`process ${shortBytes(needs.process)}`] : []),
  ];
  const whole = available === undefined ? "" : ` of ${shortBytes(available)}`;
  const line = `memory: ${parts.join(", ")}; together about ${shortBytes(together)}${whole}`;
  if (available === undefined || together <= available) return line;
  return `${line}: too much${less.length > 0 ? `; less with ${less.join(", ")}` : ""}`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function allBytes(tensors: readonly Tensor[]): number {
  return sum(tensors.map(bytesOf));
}

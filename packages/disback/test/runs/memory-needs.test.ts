import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, memoryStatistics, resetPeakMemory, scope } from "@disback/torch";
import { afterAll, expect, test } from "vitest";
import { adaptersOn } from "../../src/distill/adapter-nodes.js";
import { Backtracking } from "../../src/distill/backtrack.js";
import { DenoiserStudent } from "../../src/distill/denoiser-student.js";
import { record } from "../../src/distill/record.js";
import { streamBase } from "../../src/models/adapters/streamed-base.js";
import { computing } from "../../src/models/computation.js";
import { createDenoiser } from "../../src/models/config.js";
import { describeNeeds, type MemoryNeeds, memoryNeeds, savings } from "../../src/runs/memory-needs.js";

const folder = mkdtempSync(join(tmpdir(), "disback-needs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Case {
  rank?: number;
  batchSize: number;
  microBatch?: number;
  activationCheckpointing?: boolean;
  streamed?: boolean;
  /** large weights on a small picture, or the other way around */
  network: "weights" | "pixels";
}

let runs = 0;

/** What was worked out of a distillation, and what its tensors took. */
function both({ rank, batchSize, microBatch, activationCheckpointing = false, streamed, network }: Case) {
  const sizes =
    network === "weights"
      ? { imageResolution: 8, modelChannels: 96, attentionResolutions: [4] }
      : { imageResolution: 32, modelChannels: 16, attentionResolutions: [] };
  const teacher = createDenoiser(
    {
      ...{ network: "song-unet", imageChannels: 1, channelMultipliers: [1, 2], blocksPerResolution: 1 },
      ...{ dropout: 0, ...sizes },
    },
    { generator: new Generator(1) },
  ).eval();
  computing(teacher, { precision: "f32", memoryFormat: "contiguous", activationCheckpointing });
  teacher.requiresGrad_(false);
  if (streamed) streamBase(teacher, { file: join(folder, `${runs}.safetensors`) });
  const module = rank === undefined ? teacher.clone().requiresGrad_(true) : adaptersOn(teacher, { rank }, 1);
  const student = new DenoiserStudent(module, { sigmaInit: 2.5 });
  const samples = microBatch ?? batchSize;
  const needs = memoryNeeds(teacher, student, {
    ...{ samples, wholeBatch: samples === batchSize, momentKinds: 1, auxiliary: true, nodes: true },
  });
  const { live } = memoryStatistics();
  const trajectory = record({
    ...{ teacher, student, folder: join(folder, String(runs++)), steps: 2, nodes: [1, 2] },
    ...{ batchSize: samples, probes: 1 },
  });
  const work = new Backtracking({
    ...{ teacher, student, trajectory, batchSize, iterations: 4, execution: { seed: 0, microBatch } },
  });
  resetPeakMemory();
  for (let step = 0; step < 2; step++) scope(() => work.step());
  const resident = [
    ...teacher.parameters(),
    ...(rank === undefined ? module.parameters() : module.parameters()),
  ];
  const known = streamed ? 0 : resident.reduce((total, { numel }) => total + 4 * numel, 0);
  const measured = memoryStatistics().peak - live + known;
  work.dispose();
  return { needs, measured };
}

test.each<Case>([
  { network: "weights", batchSize: 1 },
  { network: "weights", batchSize: 1, rank: 16 },
  { network: "weights", batchSize: 4, rank: 16, activationCheckpointing: true },
  { network: "pixels", batchSize: 16 },
  { network: "pixels", batchSize: 16, rank: 4 },
  { network: "pixels", batchSize: 16, rank: 4, activationCheckpointing: true },
  { network: "pixels", batchSize: 16, microBatch: 4 },
])("what is worked out is what it takes, from a fifth less to three tenths more: %o", (given) => {
  const { needs, measured } = both(given);
  const estimate = needs.together - needs.process;
  expect(estimate / measured).toBeGreaterThan(0.8);
  expect(estimate / measured).toBeLessThan(1.3);
});

test("a streamed base counts as one layer", () => {
  const given = { network: "weights", batchSize: 1, rank: 4 } as const;
  const [inside, outside] = [both(given), both({ ...given, streamed: true })];
  expect(outside.needs.streamed).toBe(true);
  const saved = inside.needs.together - outside.needs.together;
  expect(saved).toBeGreaterThan(0.7 * inside.needs.base);
  expect(saved).toBeLessThan(inside.needs.base);
});

test("the line names what would make it fit, and only that", () => {
  const needs: MemoryNeeds = {
    ...{ base: 3.44e9, streamed: false, models: 1.08e9, adapters: true, moments: 0.54e9, gradients: 0.27e9 },
    ...{ activations: 1.5e9, process: 0.3e9, together: 7.13e9 },
  };
  const settings = { rank: 64, precision: "f32", activationCheckpointing: true } as const;
  const less = savings(needs, { ...settings, adaptedLayers: "all" }, 1);
  expect(describeNeeds(needs, 6e9, less)).toBe(
    "memory: base 3.44 GB, adapters 1.08 GB, moments 540 MB, gradients 270 MB, activations about 1.5 GB, process 300 MB; together about 7.13 GB of 6 GB: too much; less with --set adaptedLayers=attention, or a smaller --rank, --precision bf16, --offload",
  );
  expect(describeNeeds(needs, 8e9, less)).toMatch(/together about 7.13 GB of 8 GB$/);
});

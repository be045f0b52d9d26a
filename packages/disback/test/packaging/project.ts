// A user's program: it is type-checked and run in the folder where the packed packages are installed.

import { loadGenerator } from "@disback/generate";
import { Generator, inferenceMode, setNumThreads } from "@disback/torch";
import { backtrack, type Denoiser, DenoiserStudent, record } from "disback";
import { openDataset } from "disback/data";
import { slicedWasserstein } from "disback/metrics";
import { createDenoiser, exportableModel, exportOnnx, parseDenoiserConfig } from "disback/models";
import { RunFolder } from "disback/runs";

setNumThreads(1);
const config = parseDenoiserConfig({ network: "mlp", dimension: 2, hiddenChannels: 32, blocks: 1 });
const teacher = createDenoiser(config, { generator: new Generator(0) });
const asked: Denoiser = teacher;
const student = new DenoiserStudent(teacher.clone(), { sigmaInit: 2.5 });
const start = inferenceMode(() => student.generate(student.latents(64, new Generator(1))));
const trajectory = record({
  teacher,
  student,
  folder: "path",
  steps: 4,
  nodes: [2, 4],
  batchSize: 16,
});
const oneStep = backtrack({ teacher, student, trajectory, iterations: 3, batchSize: 16 });

const samples = inferenceMode(() => oneStep.generate(student.latents(64, new Generator(1))));
const data = await openDataset("toy:ring");
const model = { module: teacher, facts: teacher.facts, config };
const bytes = exportOnnx(exportableModel(model, { kind: "denoiser", sigmaInit: 2.5, laterSigmas: [] }));
const exported = await loadGenerator(bytes);
const { values } = await exported.sample({ count: 64, seed: 1 });
const ours = start.data() as Float32Array;
const difference = Math.max(...values.map((value, index) => Math.abs(value - ours[index]!)));
await exported.dispose();

console.log(
  JSON.stringify({
    teacher: typeof asked.denoise,
    nodes: trajectory.nodes.length,
    shape: data.sampleShape,
    distance: slicedWasserstein(samples, start),
    runs: typeof RunFolder,
    difference,
  }),
);

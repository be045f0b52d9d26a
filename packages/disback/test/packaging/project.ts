// A user's program: it is type-checked and run in the folder where the packed packages are installed.
import { loadGenerator } from "@disback/generate";
import { Generator, inferenceMode, setNumThreads } from "@disback/torch";
import { type Denoiser, DenoiserStudent, distill, kindOf } from "disback";
import { openDataset } from "disback/data";
import { slicedWasserstein } from "disback/metrics";
import { createDenoiser, exportableModel, exportOnnx, parseDenoiserConfig } from "disback/models";
import { RunFolder } from "disback/runs";

setNumThreads(1);
const config = parseDenoiserConfig({ network: "mlp", dimension: 2, hiddenChannels: 32, blocks: 1 });
const teacher = createDenoiser(config, { generator: new Generator(0) });
const asked: Denoiser = teacher;
const student = new DenoiserStudent(teacher.clone(), { sigmaInit: 2.5 });
const drawn = (from: DenoiserStudent) =>
  inferenceMode(() => from.generate(student.latents(64, new Generator(1))));
const start = drawn(student);
const model = exportableModel({ module: teacher, facts: teacher.facts, config }, kindOf(student));
const exported = await loadGenerator(exportOnnx(model));
const { values } = await exported.sample({ count: 64, seed: 1 });
await exported.dispose();
const ours = start.data() as Float32Array;
const difference = Math.max(...values.map((value, index) => Math.abs(value - ours[index]!)));

const distilled = distill({
  teacher,
  student,
  method: "disback",
  folder: "path",
  recording: { steps: 4, nodes: [2, 4], batchSize: 16 },
  backtracking: { iterations: 3, batchSize: 16 },
});
const data = await openDataset("toy:ring");
console.log(
  JSON.stringify({
    teacher: typeof asked.denoise,
    nodes: distilled.trajectory?.nodes.length,
    shape: data.sampleShape,
    distance: slicedWasserstein(drawn(distilled.student), start),
    runs: typeof RunFolder,
    difference,
  }),
);

// One process of processes.test.ts: goes a few steps of every training loop, alone or as a member of a group, with whole
// batches or (second word) so many samples of them at once, on the CPU or (third word) another device, and prints the
// gradients of the first step's updates and the figures of its steps.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { allowTf32, Generator, noGrad, ProcessGroup, randn, setNumThreads } from "@disback/torch";
import * as disback from "../../dist/index.js";
import { openDataset } from "../../dist/public/data.js";
import { createDenoiser, parseDenoiserConfig, TeacherTraining } from "../../dist/public/models.js";
import { NetworkTrainer } from "../../dist/training/network-trainer.js";

setNumThreads(1);
allowTf32(false);
const [optimizer, samples, device = "cpu"] = process.argv.slice(2);
const group = ProcessGroup.fromEnvironment({ timeoutSeconds: 60, device });
const microBatch = samples && Number(samples);
const options = { shardOptimizer: optimizer === "sharded" };
const processes = new disback.Processes(group, options);
const folder = processes.agree(processes.leads ? mkdtempSync(join(tmpdir(), "disback-processes-")) : "");

const points = { network: "mlp", dimension: 2, hiddenChannels: 16, blocks: 1, labelDim: 3 };
const images = {
  network: "song-unet",
  ...{
    imageResolution: 8,
    imageChannels: 1,
    modelChannels: 8,
    channelMultipliers: [1],
    blocksPerResolution: 1,
  },
  ...{ attentionResolutions: [], dropout: 0, augmentDim: 4 },
};
/** Networks start with zeros at their end, which nothing can be learned from in a single step: moved away. */
const network = (config, seed) => {
  const random = new Generator(seed);
  const denoiser = createDenoiser(parseDenoiserConfig(config), { generator: random });
  noGrad(() => {
    for (const parameter of denoiser.parameters())
      parameter.add_(randn(parameter.shape, { generator: random }).mul(0.1));
  });
  return denoiser.to({ device });
};
const student = (config, laterSigmas = []) =>
  new disback.DenoiserStudent(network(config, 2), { sigmaInit: 2.5, laterSigmas });
const pool = () => {
  const random = new Generator(11, device);
  const condition = student(points).conditions.draw(40, random);
  return new disback.SamplePool({ samples: randn([40, 2], { generator: random, device }), condition });
};
const execution = { seed: 5, processes, microBatch };
const shared = (config = points) => ({
  teacher: network(config, 1),
  batchSize: 16,
  execution,
});

// Along a trajectory, so that auxiliary model and target differ by more than rounding. Adam's first steps are signs of
// gradients, near 0 those of rounding errors: large ones would show nothing else.
const backtracking = (objective, more = {}, config = points) =>
  new disback.Backtracking({
    ...{ ...shared(config), student: student(config), objective, trajectory: recorded(config) },
    ...{ studentLearningRate: 1e-7, auxiliaryLearningRate: 1e-7, ...more },
  });
const direct = (objective, sigmaInit = 80) =>
  new disback.DirectDistillation({
    ...shared(),
    student: new disback.DenoiserStudent(network(points, 2), { sigmaInit }),
    objective,
  });

/** A trajectory of two nodes far from the teacher, the same whoever goes along it: one process alone records it. */
const recorded = (config) => {
  const place = join(folder, config.network);
  if (processes.leads && !existsSync(place))
    disback.record({
      ...{ teacher: network(config, 1), student: student(config), folder: place },
      ...{ batchSize: 16, steps: 2, nodes: [1, 2], learningRate: 0.02 },
    });
  group?.barrier();
  return disback.Trajectory.open(place);
};

const data = await openDataset("toy:ring?modes=3", { labels: true });
const pairs = { count: 20, steps: 3 };
const works = {
  teacher: () =>
    new TeacherTraining({
      ...{ denoiser: network(points, 1), dataset: data, batchSize: 16, labelDropout: 0.2 },
      ...{ iterations: 10, learningRate: 1e-3, rampUp: 0, gradientClip: 1, execution },
    }),
  recording: () =>
    new disback.Recording({ ...shared(), student: student(points), folder: join(folder, "recording") }),
  imitation: () => new disback.Imitation({ ...shared(), student: student(points, [0.8]) }),
  "diff-instruct": () => backtracking(new disback.DiffInstruct()),
  "diff-instruct of images": () => backtracking(new disback.DiffInstruct(), {}, images),
  "diff-instruct in two steps": () =>
    backtracking(new disback.DiffInstruct(), { student: student(points, [0.8]), auxiliarySteps: 2 }),
  vsd: () => backtracking(new disback.Vsd({ rank: 2 })),
  dmd: () => backtracking(new disback.Dmd({ regressionWeight: 0.25, pairs })),
  dmd2: () => backtracking(new disback.Dmd2({ real: pool() })),
  sid: () => backtracking(new disback.Sid()),
  consistency: () => direct(new disback.Consistency({ data: pool() })),
  regression: () => direct(new disback.Regression({ pairs })),
};

/** Each update's gradients in one row: they are looked at before it, which releases them. */
let gradients = [];
const { finish } = NetworkTrainer.prototype;
NetworkTrainer.prototype.finish = function () {
  gradients.push(this.parameters.flatMap(({ grad }) => grad?.flatten().toArray() ?? []));
  return finish.call(this);
};

const results = {};
for (const [name, make] of Object.entries(works)) {
  const work = make();
  const figures = [];
  for (let step = 0; step < 3; step++) {
    gradients = [];
    figures.push(await work.step());
    if (step === 0) results[name] = { gradients: { ...gradients } };
  }
  results[name].figures = figures;
}
if (group) group.barrier();
if (processes.leads) rmSync(folder, { recursive: true });
console.log(JSON.stringify(results));

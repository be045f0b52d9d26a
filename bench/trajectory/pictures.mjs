// What the measurements on pictures share: Fashion-MNIST at four resolutions, a teacher for each, students, a judge, and one distillation.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AvgPool2d, Generator, inferenceMode, randn, scope, Upsample } from "@disback/torch";
import {
  Backtracking,
  checkpointTrajectory,
  DenoiserStudent,
  DenoisingFit,
  DiffInstruct,
  GeneratorStudent,
  record,
  StepsPerTarget,
} from "disback";
import { openDataset } from "disback/data";
import { evaluate, loadShippedExtractor, referenceStatistics } from "disback/metrics";
import {
  createDenoiser,
  createGenerator,
  heun,
  loadConfig,
  loadModel,
  saveModel,
  TeacherTraining,
} from "disback/models";
import { cpuSeconds } from "../generators/common.mjs";

const shipped = fileURLToPath(
  new URL("../../packages/disback/assets/teachers/fashion-mnist-16", import.meta.url),
);

/** The teachers that are trained here, by their resolution; that of 16x16 is the shipped one. */
export const trainings = {
  8: { modelChannels: 16, channelMultipliers: [1, 2], iterations: 2000, batchSize: 64 },
  32: { modelChannels: 8, channelMultipliers: [1, 2, 2], iterations: 900, batchSize: 32 },
  64: { modelChannels: 8, channelMultipliers: [1, 1, 2, 2], iterations: 500, batchSize: 16 },
};
/** Steps after which a teacher is kept, as shares of its training: its path. */
const shares = [0.02, 0.05, 0.1, 0.2, 0.4, 1];

/**
 * Teacher, data, and what judges samples: the classifier of 16x16, with pixels repeated or averaged.
 * @param data Fashion-MNIST's images, beside which lie their labels
 * @param work folder that keeps trained teachers and statistics
 */
export async function openResolution(size, { data, work, smoke }) {
  const dataset = await openDataset(data, { resolution: size });
  const extractor = seenAt16(loadShippedExtractor("fashion-mnist-16-classifier"), size);
  const reference = await referenceStatistics(dataset, extractor, join(work, "references"));
  const teacher = size === 16 ? loadModel(shipped) : await trainedTeacher(size, { dataset, work, smoke });
  return { size, extractor, reference, ...teacher };
}

function seenAt16(extractor, size) {
  const resize =
    size < 16 ? new Upsample({ scaleFactor: 16 / size }) : size > 16 ? new AvgPool2d(size / 16) : undefined;
  if (!resize) return extractor;
  return {
    name: `${extractor.name}, seen at 16x16`,
    featureDim: extractor.featureDim,
    contentHash: `${extractor.contentHash}-from-${size}`,
    features: (images) => extractor.features(resize.forward(images)),
  };
}

async function trainedTeacher(size, { dataset, work, smoke }) {
  const { modelChannels, channelMultipliers, iterations: most, batchSize } = trainings[size];
  const iterations = smoke ? 6 : most;
  const folder = join(work, `teacher-${size}${smoke ? "-smoke" : ""}`);
  const network = { modelChannels, channelMultipliers, imageResolution: size };
  const config = { ...loadConfig(shipped), ...network };
  const kept = shares.map((share) => Math.ceil(share * iterations));
  const last = join(folder, `${iterations}`);
  if (!existsSync(last)) {
    const training = new TeacherTraining({
      ...{ dataset, execution: { seed: 0 }, iterations, batchSize, learningRate: 3e-3 },
      ...{ denoiser: createDenoiser(config, { generator: new Generator(0) }), averageHalfLife: 5000 },
    });
    while (!training.finished) {
      await training.step();
      if (kept.includes(training.iteration))
        saveModel(join(folder, `${training.iteration}`), training.average, config);
    }
  }
  const checkpoints = kept.slice(0, -1).map((step) => ({
    name: `${step}`,
    loadInto: (model) => model.loadStateDict(loadModel(join(folder, `${step}`)).denoiser.stateDict()),
  }));
  return { ...loadModel(last), checkpoints };
}

/** Students by name, each a function of the opened resolution and a seed. */
export const students = {
  copy: ({ denoiser }) => asStudent(denoiser.clone()),
  untrained: ({ config }, seed) => asStudent(createDenoiser(config, { generator: new Generator(seed) })),
  small: ({ config }, seed) => {
    const half = { ...config, modelChannels: config.modelChannels / 2 };
    return asStudent(createDenoiser(half, { generator: new Generator(seed) }));
  },
  generator: ({ config, denoiser }, seed) => {
    const { imageResolution, imageChannels, labelDim, sigmaData } = config;
    const picture = { imageResolution, imageChannels, labelDim, sigmaData };
    const network = { network: "dcgan", latentSize: 64, modelChannels: 32, ...picture };
    const made = createGenerator(network, { generator: new Generator(seed) });
    return new GeneratorStudent(made, { facts: denoiser.facts });
  },
};

const asStudent = (network) => new DenoiserStudent(network, { sigmaInit: 2.5 });

/** FID and recall of a function that draws samples. */
async function judged(generate, { extractor, reference }, count) {
  const metrics = ["fid", "precisionRecall"];
  const { fid, recall } = await evaluate({ generate, extractor, reference, count, metrics });
  return { fid: Number(fid.toFixed(1)), recall: Number(recall.toFixed(3)) };
}

export function judgeStudent(student, against, count) {
  const random = new Generator(99);
  student.module.eval();
  const generate = (wanted) =>
    student.generate(student.latents(wanted, random), student.conditions.draw(wanted, random));
  return judged(generate, against, count);
}

/** The teacher's own samples. */
export function judgeTeacher(against, count) {
  const { conditions } = students.untrained(against, 1);
  const random = new Generator(99);
  const { size, denoiser } = against;
  const generate = (wanted) =>
    scope(() =>
      inferenceMode(() => {
        const noise = randn([wanted, 1, size, size], { generator: random });
        return heun(denoiser, noise, { steps: 12, condition: conditions.draw(wanted, random) });
      }),
    );
  return judged(generate, against, count);
}

/**
 * One distillation for each method, which share a recording.
 * @param methods of plain; start, targets, whole: parts of a recorded path; checkpoints: the teacher's own
 * @param settings of the backtracking, `recording`, and `judged`, the number of samples that are judged
 * @param found called with the method's row: nodes, processor seconds of the path and of all, the figures and their curve
 */
export async function distillPictures({ against, student, noise, methods, seed, settings, found }) {
  const { denoiser: teacher } = against;
  const place = mkdtempSync(join(tmpdir(), "disback-pictures-"));
  const execution = { seed };
  const path = { teacher, student: student(), fit: new DenoisingFit(noise) };
  let recording;
  const recorded = () => {
    if (recording) return recording;
    const began = cpuSeconds();
    const trajectory = record({ ...path, folder: join(place, "path"), execution, ...settings.recording });
    recording = { trajectory, recordingSeconds: cpuSeconds() - began };
    return recording;
  };
  const others = {
    plain: () => ({ recordingSeconds: 0 }),
    checkpoints: () => {
      const began = cpuSeconds();
      const { checkpoints } = against;
      const trajectory = checkpointTrajectory({ ...path, folder: join(place, "own"), checkpoints, seed });
      return { trajectory, recordingSeconds: cpuSeconds() - began };
    },
  };
  const start = await judgeStudent(path.student, against, settings.judged);
  for (const method of methods) {
    const { trajectory, recordingSeconds } = (others[method] ?? recorded)();
    const work = new Backtracking({
      ...{ teacher, student: student(), trajectory, execution, objective: new DiffInstruct({ noise }) },
      ...settings,
      ...(settings.stay ? { schedule: new StepsPerTarget(settings.stay) } : {}),
      use: method === "start" || method === "targets" ? method : "whole",
    });
    let seconds = recordingSeconds;
    const curve = [{ iteration: 0, seconds, ...start }];
    while (!work.finished) {
      const before = cpuSeconds();
      work.step();
      seconds += cpuSeconds() - before;
      if (work.iteration % Math.ceil(settings.iterations / 4) === 0 || work.finished)
        curve.push({
          iteration: work.iteration,
          seconds,
          ...(await judgeStudent(work.average, against, settings.judged)),
        });
    }
    work.dispose();
    const { fid, recall } = curve.at(-1);
    found(method, { nodes: trajectory?.nodes.length ?? 0, recordingSeconds, seconds, fid, recall, curve });
  }
  rmSync(place, { recursive: true });
}

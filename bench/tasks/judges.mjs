// What tells the tasks' students apart: a Fréchet distance for each task, and how often a classifier sees the class that was
// asked for.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fromTypedArray, Generator, inferenceMode, ops, randn } from "@disback/torch";
import { DenoiserStudent } from "disback";
import { openDataset } from "disback/data";
import {
  evaluate,
  loadClassifierExtractor,
  loadShippedExtractor,
  loadShippedReference,
  referenceStatistics,
} from "disback/metrics";
import {
  heun,
  isTaskAdaptersFolder,
  loadModel,
  loadTaskAdapters,
  saveModel,
  saveTaskAdapters,
  TaskAdapters,
} from "disback/models";
import { saveClassifier } from "../../packages/disback/dist/metrics/classifier-extractor.js";
import { trainClassifier } from "../../packages/disback/dist/metrics/classifier-training.js";

const latentSeed = 99;

/** @param tasks number of each task's classes */
export async function openJudges({ work, data, tasks, samples: count }) {
  const clothes = loadShippedExtractor("fashion-mnist-16-classifier");
  const drawn = { resolution: 16, channels: 1 };
  const numbers = await openDataset(data.digits, { ...drawn, labels: true });
  const digits = await digitClassifier(work, numbers);
  const references = {
    clothes: [clothes, loadShippedReference("fashion-mnist-16-classifier")],
    digits: [digits, await referenceStatistics(numbers, digits, work)],
    icons: [
      clothes,
      await referenceStatistics(await openDataset(data.icons, { ...drawn, labels: false }), clothes, work),
    ],
  };
  const offsets = { clothes: 0, digits: tasks.clothes, icons: tasks.clothes + tasks.digits };

  /** @param draw gives samples of latents and of a task's classes as numbers */
  async function judged(draw) {
    const figures = {};
    for (const [task, [extractor, reference]] of Object.entries(references)) {
      const latents = randn([count, 1, 16, 16], { generator: new Generator(latentSeed) });
      const classes = Array.from({ length: count }, (_, at) => at % tasks[task]);
      const samples = inferenceMode(() => draw(task, latents, classes)).clone();
      const label = task[0].toUpperCase() + task.slice(1);
      const { fid } = await evaluate({ batches: [samples.clone()], count, extractor, reference });
      figures[`fid${label}`] = Number(fid.toFixed(2));
      if (tasks[task] === 1) continue;
      const seen = Array.from(extractor.probabilities(samples).argmax(1).data(), Number);
      figures[`right${label}`] = seen.filter((one, at) => one === classes[at]).length / count;
    }
    return figures;
  }

  /** The condition of a model that knows all tasks, or one of them. */
  const told = (facts, task, classes) => {
    const total = facts.condition.class?.[0] ?? 0;
    if (total === 0) return undefined;
    const first = facts.tasks ? offsets[task] : 0;
    return {
      class: oneHot(
        classes.map((one) => first + one),
        total,
      ),
    };
  };
  const drawer = (students) => {
    const order = Object.keys(tasks);
    return (task, latents, classes) => {
      const student = students.length === 1 ? students[0] : students[order.indexOf(task)];
      return student.generate(latents, told(student.facts, task, classes));
    };
  };
  const place = (method, at) => join(work, `student-${method.replace(/\W+/g, "-")}-${at}`);
  return {
    accuracy: Number(digits.config.accuracy.toFixed(3)),
    ofStudents: (students) => judged(drawer(students)),
    ofTeacher: (teacher) => judged(sampled(teacher)),
    draw: { ofStudents: drawer, ofTeacher: (teacher) => sampled(teacher) },
    keep(method, models) {
      for (const [at, { module, config }] of models.entries()) {
        const save = module instanceof TaskAdapters ? saveTaskAdapters : saveModel;
        save(place(method, at), module, config);
      }
    },
    kept: (method) =>
      [0, 1, 2]
        .filter((at) => existsSync(place(method, at)))
        .map((at) => new DenoiserStudent(opened(place(method, at)), { sigmaInit: 2.5 })),
  };

  function sampled(teacher) {
    return (task, latents, classes) =>
      heun(teacher, latents, { steps: 18, condition: told(teacher.facts, task, classes) });
  }
}

const opened = (folder) => (isTaskAdaptersFolder(folder) ? loadTaskAdapters : loadModel)(folder).denoiser;

const oneHot = (classes, total) =>
  ops.one_hot(fromTypedArray(BigInt64Array.from(classes, BigInt), [classes.length]), total).float();

async function digitClassifier(work, dataset) {
  const folder = join(work, "digit-classifier");
  if (!existsSync(folder)) {
    const { classifier, accuracy } = await trainClassifier({
      train: dataset,
      test: dataset,
      epochs: 4,
      seed: 0,
    });
    saveClassifier(folder, classifier, {
      kind: "classifier-extractor",
      ...{ name: "digits-16-classifier", dataset: "10,000 digits of MNIST", resolution: 16, channels: 1 },
      ...{
        classes: 10,
        features: 64,
        seed: 0,
        epochs: 4,
        accuracy,
        date: new Date().toISOString().slice(0, 10),
      },
    });
  }
  return loadClassifierExtractor(folder);
}

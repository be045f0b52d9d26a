// What a trajectory's nodes lose when they are stored smaller: size, and difference of the node's outputs to those of
// the node as it was, by noise level, on 16x16 Fashion-MNIST. Run after `npm ci`:  node bench/node-storage.mjs
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, inferenceMode, ops, randn, scope, setNumThreads } from "@disback/torch";
import { DenoiserStudent, EvenDistance, narrowRows, record, Trajectory } from "disback";
import { createDenoiser, heun, loadModel } from "disback/models";
import { machine, printTable, save } from "./report.mjs";

setNumThreads(1);
const seed = 1;
const levels = [0.02, 0.1, 0.5, 2.5, 10, 40];
const storages = [
  { kind: "full" },
  { kind: "half" },
  { kind: "difference" },
  { kind: "low-rank", energy: 0.999 },
  { kind: "low-rank", energy: 0.99 },
  { kind: "low-rank", energy: 0.9 },
  { kind: "low-rank", energy: 0.5 },
];

const folder = mkdtempSync(join(tmpdir(), "disback-nodes-"));
const { denoiser: teacher, config } = loadModel(
  new URL("../packages/disback/assets/teachers/fashion-mnist-16", import.meta.url).pathname,
);
const student = new DenoiserStudent(createDenoiser(config, { generator: new Generator(seed) }), {
  sigmaInit: 2.5,
});
const recording = { steps: 48, batchSize: 64, learningRate: 1e-3 };
const path = record({
  ...{ teacher, student, folder: join(folder, "full"), execution: { seed }, ...recording },
  nodes: new EvenDistance(),
});

// Half of the probes are the untrained student's samples, half the teacher's: the start and the end of a training.
const { probes, condition } = inferenceMode(() =>
  scope(() => {
    const random = new Generator(seed);
    const condition = student.conditions.draw(64, random);
    const latents = student.latents(64, random);
    const made = student.generate(latents, condition).narrow(0, 0, 32);
    const drawn = heun(teacher, latents.narrow(0, 32, 32), {
      steps: 9,
      condition: narrowRows(condition, 32, 32),
    });
    return { probes: ops.cat([made, drawn]), condition };
  }),
);

/** A denoiser's answers at every noise level, the same noise each time. */
const answers = (denoiser) =>
  inferenceMode(() =>
    scope(() =>
      levels.map((level) => {
        const noise = randn(probes.shape, { generator: new Generator(seed) });
        const sigma = ops.full([probes.shape[0]], level, "float32");
        return denoiser.denoise(probes.add(noise.mul(level)), sigma, condition);
      }),
    ),
  );
const size = (tensor) => scope(() => tensor.square().mean().sqrt().item());
const away = (one, other) => scope(() => size(one.sub(other)));

const model = teacher.clone().eval();
const fromTeacher = answers(teacher);
const whole = path.nodes.map((_, index) => {
  path.loadInto(model, index + 1);
  return answers(model);
});
const rows = storages.map((storage, number) => {
  const stored = Trajectory.create(join(folder, String(number)), teacher, {}, storage);
  const errors = path.nodes.map((node, index) => {
    path.loadInto(model, index + 1);
    stored.append(model, node);
    stored.loadInto(model, index + 1);
    const read = answers(model);
    return levels.map((_, level) => {
      const error = away(read[level], whole[index][level]);
      return {
        ofOutput: error / size(whole[index][level]),
        ofWay: error / away(whole[index][level], fromTeacher[level]),
      };
    });
  });
  const bytes = stored.nodes.map((node) => node.bytes);
  const worst = (measure) =>
    levels.map((_, level) => Math.max(...errors.map((node) => node[level][measure])));
  return { storage, bytes, ofOutput: worst("ofOutput"), ofWay: worst("ofWay") };
});
rmSync(folder, { recursive: true });

const total = (numbers) => numbers.reduce((sum, number) => sum + number, 0);
const name = ({ kind, energy }) => (energy === undefined ? kind : `${kind} ${energy}`);
const short = (value) => (value === 0 ? "0" : value.toExponential(1));
for (const measure of ["ofOutput", "ofWay"]) {
  console.log(`\nlargest over ${path.nodes.length} nodes, relative to ${measure.slice(2).toLowerCase()}`);
  printTable([
    ["storage", "kB a node", "of full", ...levels.map((level) => `sigma ${level}`)],
    ...rows.map((row) => [
      name(row.storage),
      (total(row.bytes) / row.bytes.length / 1000).toFixed(0),
      (total(row.bytes) / total(rows[0].bytes)).toFixed(2),
      ...row[measure].map(short),
    ]),
  ]);
}
save("node-storage", {
  machine: machine(),
  seed,
  recording,
  nodes: path.nodes.map((node) => node.step),
  levels,
  rows,
});

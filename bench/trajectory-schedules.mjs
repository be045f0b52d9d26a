// Schedules where the noise levels do not bridge the gap: the ring in the plane at ln sigma ~ N(-3, 0.6), an untrained student.
// Which path (how fine, recorded how), stay, rates and decay keep how many of the eight modes? Loops of its own, because it
// varies what the library does not.
//   node bench/trajectory-schedules.mjs '{"lr":2e-3,"alr":4e-3,"spacing":0.9,"stay":20,"decay":[0.2,1,0.02]}' … [--smoke]
// A schedule: method (path, start, plain), limit and spacing (largest step and distance of nodes), stay (student steps per
// node), lr, alr (student's and auxiliary rate), aux (auxiliary steps), decay ([from, to, factor] of the run), iterations, seeds;
// recordNoise ([mean, deviation] of the recording's levels), blend (targets move continuously from node to node, in their
// outputs), anneal (share of the run in which EDM's levels narrow to the low ones), interpolate ({nodes, steps}: the copy is
// fitted to samples between the teacher's and the student's).
// bench/results/trajectory-schedules.json holds what was tried; what it holds is not run again.
import { existsSync, readFileSync } from "node:fs";
import {
  Adam,
  Generator,
  inferenceMode,
  keep,
  noGrad,
  randint,
  randn,
  scope,
  setNumThreads,
} from "@disback/torch";
import {
  DenoiserOutline,
  DenoiserStudent,
  DiffInstruct,
  denoisingLoss,
  LogNormal,
  shortenStep,
} from "disback";
import { createDenoiser, heun, loadModel } from "disback/models";
import { machine, save } from "./report.mjs";

setNumThreads(1);
const teachers = new URL("../packages/disback/assets/teachers/", import.meta.url);
const { denoiser: teacher, config } = loadModel(new URL("2d-ring", teachers).pathname);
teacher.eval();
const [low, usual] = [
  [-3, 0.6],
  [-1.2, 1.2],
];
const noise = new LogNormal(...low);
const betas = [0, 0.999];
const batch = 256;
const centers = Array.from({ length: 8 }, (_, k) => [
  Math.cos((k * Math.PI) / 4),
  Math.sin((k * Math.PI) / 4),
]);

const untrained = (seed) =>
  new DenoiserStudent(createDenoiser(config, { generator: new Generator(seed) }), { sigmaInit: 2.5 });
const snapshot = (model) => noGrad(() => model.parameters().map((weight) => keep(weight.clone())));
const restore = (model, weights) =>
  noGrad(() => {
    for (const [k, weight] of model.parameters().entries()) weight.copy_(weights[k]);
  });
const sample = (student, count, random) =>
  inferenceMode(() => student.generate(student.latents(count, random))).clone();

const smoke = process.argv.includes("--smoke");
const schedules = process.argv.slice(2).filter((text) => text !== "--smoke");
if (smoke) schedules.push('{"limit":0.5,"spacing":0.45,"stay":1,"iterations":4,"seeds":[1]}');
const results = new URL("results/trajectory-schedules.json", import.meta.url);
const { settings, schedules: known } = existsSync(results)
  ? JSON.parse(readFileSync(results, "utf8"))
  : { schedules: [] };
for (const text of schedules) {
  const { seeds = [1, 2, 3], ...schedule } = JSON.parse(text);
  const key = JSON.stringify(schedule);
  let row = known.find(({ ends, ...other }) => JSON.stringify(other) === key);
  if (!row) {
    row = { ...schedule, ends: [] };
    known.push(row);
  }
  for (const seed of seeds) {
    if (row.ends.some((end) => end.seed === seed)) continue;
    const end = { seed, ...run(schedule, seed) };
    console.log(JSON.stringify({ ...schedule, ...end }));
    row.ends.push(end);
    if (!smoke) save("trajectory-schedules", { machine: machine(), settings, schedules: known });
  }
}

function run({ method = "path", limit, spacing = 0.5, recordNoise = low, interpolate, ...schedule }, seed) {
  const record = () =>
    interpolate
      ? recordBetween(interpolate, seed)
      : recordPath(limit, spacing, smoke ? 20 : 1000, seed, new LogNormal(...recordNoise));
  const began = process.cpuUsage();
  const used = () => {
    const { user, system } = process.cpuUsage(began);
    return Number(((user + system) / 1e6).toFixed(1));
  };
  const nodes = method === "plain" ? [] : record();
  const recordingSeconds = used();
  const end = backtrack(nodes, { ...schedule, method }, seed);
  return { nodes: nodes.length, recordingSeconds, seconds: used(), ...end };
}

/** The copy follows the samples on their straight way from the teacher's to the student's: nodes fit what lies between. */
function recordBetween({ nodes: count, steps: wanted }, seed) {
  const steps = smoke ? 2 * count : wanted;
  const student = untrained(seed);
  const random = new Generator(seed);
  const pool = inferenceMode(() =>
    scope(() => keep(heun(teacher, randn([2048, 2], { generator: new Generator(seed + 1) }), { steps: 18 }))),
  );
  const model = teacher.clone().train().requiresGrad_(true);
  const optimizer = new Adam(model.parameters(), { lr: 1e-3, betas });
  const nodes = [];
  for (let step = 1; step <= steps; step++) {
    scope(() => {
      optimizer.zeroGrad();
      const own = pool.indexSelect(0, randint(0, 2048, [batch], { generator: random }));
      const between = own.lerp(sample(student, batch, random), step / steps);
      denoisingLoss(model.train(), between, noise, { random }).backward();
      optimizer.step();
    });
    if (Math.floor((step * count) / steps) > nodes.length) nodes.push(snapshot(model));
  }
  return nodes;
}

/** Snapshots of a copy that is fitted to the student's samples, one for each spacing; ends when the path has settled. */
function recordPath(limit, spacing, steps, seed, noise) {
  const student = untrained(seed);
  const random = new Generator(seed);
  const model = teacher.clone().train().requiresGrad_(true);
  const optimizer = new Adam(model.parameters(), { lr: 1e-3, betas });
  const probes = { samples: keep(sample(student, 256, new Generator(seed + 1))), condition: undefined };
  const outline = new DenoiserOutline(probes, noise, seed + 2);
  const first = outline.measure(model.eval());
  let [previous, last, marked, mark] = [first, first, first, 4];
  const nodes = [];
  for (let step = 1; step <= steps; step++) {
    const before = snapshot(model);
    scope(() => {
      optimizer.zeroGrad();
      denoisingLoss(model.train(), sample(student, batch, random), noise, { random }).backward();
      optimizer.step();
    });
    const distance = () => outline.between(previous, outline.measure(model.eval()));
    if (limit) shortenStep(model, { before, limit, distance });
    previous = outline.measure(model.eval());
    if (outline.between(last, previous) >= spacing) {
      nodes.push(snapshot(model));
      last = previous;
    }
    if (step < 2 * mark) continue;
    const [recent, whole] = [outline.between(marked, previous), outline.between(first, previous)];
    [marked, mark] = [previous, step];
    if (recent < 0.15 * whole) break;
  }
  return [...nodes, snapshot(model)];
}

/** @returns modes at the end, the most on the way, and the share of samples on a mode */
function backtrack(
  nodes,
  { method, iterations = 1200, stay = 20, lr = 5e-4, alr = 1e-3, aux = 1, decay, blend, anneal },
  seed,
) {
  const student = untrained(seed);
  const random = new Generator(seed + 100);
  const auxiliary = teacher.clone().train().requiresGrad_(true);
  const [nearer, farther] = [teacher.clone().eval(), teacher.clone().eval()];
  const end = snapshot(teacher);
  if (nodes.length > 0) restore(auxiliary, nodes.at(-1));
  let place = method === "start" || nodes.length === 0 ? 0 : nodes.length - 1;
  const load = () => {
    restore(nearer, place > 0 ? nodes[place - 1] : end);
    restore(farther, nodes[place] ?? end);
  };
  load();
  const own = new Adam(student.module.parameters(), { lr, betas });
  const fitting = new Adam(auxiliary.parameters(), { lr: alr, betas });
  const average = student.withModule(student.module.clone());
  let most = 0;
  let ended = nodes.length === 0;
  for (let step = 1, stayed = 0; step <= iterations; step++) {
    if (decay) own.lr = lr * decayed(decay, step / iterations);
    const levels = anneal ? narrowed(Math.min(1, step / iterations / anneal)) : noise;
    const objective = new DiffInstruct({ noise: levels });
    const target = blend && !ended ? between(nearer, farther, stayed / stay) : nearer;
    scope(() => {
      for (let k = 0; k < aux; k++) {
        fitting.zeroGrad();
        denoisingLoss(auxiliary.train(), sample(student, batch, random), levels, { random }).backward();
        fitting.step();
      }
      const samples = student.generate(student.latents(batch, random));
      own.zeroGrad();
      const models = { auxiliary: auxiliary.eval(), target, student };
      samples.backward(objective.studentSignal({ samples, ...models, random }).gradient);
      own.step();
      noGrad(() => {
        for (const [k, weight] of average.module.parameters().entries())
          weight.lerp_(student.module.parameters()[k], 0.01);
      });
    });
    if (!ended && ++stayed >= stay) {
      ended = place === 0;
      place = Math.max(0, place - 1);
      stayed = 0;
      load();
    }
    if (step % 60 === 0) most = Math.max(most, judge(average).modes);
  }
  return { most, ...judge(average) };
}

/** A denoiser whose outputs lie a share of the way from one to the other. */
function between(nearer, farther, share) {
  const denoise = (...input) => farther.denoise(...input).lerp(nearer.denoise(...input), share);
  return { facts: nearer.facts, denoise };
}

/** Levels on the way from EDM's to the low ones. */
function narrowed(share) {
  return new LogNormal(...usual.map((start, k) => start + share * (low[k] - start)));
}

/** From 1 to the factor, geometrically, between two shares of the run. */
function decayed([from, to, factor], share) {
  return factor ** Math.min(1, Math.max(0, (share - from) / (to - from)));
}

/** Modes with more than a tenth of their share of 4,000 samples, and the share of samples on a mode. */
function judge(student) {
  return scope(() => {
    const counts = Array(8).fill(0);
    for (const [x, y] of sample(student, 4000, new Generator(77)).toArray()) {
      const mode = centers.findIndex(([a, b]) => Math.hypot(x - a, y - b) < 0.15);
      if (mode >= 0) counts[mode]++;
    }
    const onModes = counts.reduce((sum, count) => sum + count, 0) / 4000;
    return { modes: counts.filter((count) => count > 50).length, onModes: Number(onModes.toFixed(2)) };
  });
}

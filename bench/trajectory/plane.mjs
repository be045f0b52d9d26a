// What the measurements in the plane share: students, one distillation with a curve, modes and distance.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, inferenceMode, keep, Linear, Module, ops, randn, scope, zeros } from "@disback/torch";
import {
  Backtracking,
  checkpointTrajectory,
  DenoiserStudent,
  DenoisingFit,
  DiffInstruct,
  evenSteps,
  GeneratorStudent,
  record,
  TrustRegion,
  teacherSamples,
} from "disback";
import { openDataset } from "disback/data";
import { slicedWasserstein } from "disback/metrics";
import { createDenoiser } from "disback/models";
import { cpuSeconds } from "../generators/common.mjs";

/** A generator from 8 numbers, of the teacher's width. */
class Generating extends Module {
  latentShape = [8];
  constructor(seed) {
    super();
    const generator = new Generator(seed);
    this.first = new Linear(8, 128, { generator });
    this.second = new Linear(128, 128, { generator });
    this.last = new Linear(128, 2, { generator });
  }
  generate(z) {
    const hidden = ops.silu(this.second.forward(ops.silu(this.first.forward(z))));
    return this.last.forward(hidden);
  }
}

const denoiser = (network) => new DenoiserStudent(network, { sigmaInit: 2.5 });

/** Students of a teacher by their names, each a function of a seed. */
export function studentsOf(teacher, config) {
  const fresh = (changes) => (seed) =>
    denoiser(createDenoiser({ ...config, ...changes }, { generator: new Generator(seed) }));
  return {
    copy: () => denoiser(teacher.clone()),
    untrained: fresh({}),
    small: fresh({ hiddenChannels: config.hiddenChannels / 2 }),
    generator: (seed) => new GeneratorStudent(new Generating(seed), { facts: teacher.facts }),
  };
}

const centers = Array.from({ length: 8 }, (_, k) => [
  Math.cos((k * Math.PI) / 4),
  Math.sin((k * Math.PI) / 4),
]);

/**
 * @returns a function of a student: modes with at least a tenth of their share, share on a mode, distance to the data; and, for what
 * happens on the way, the eighths of the circle with at least a tenth of their share, and the mean radius
 */
export async function planeJudge(samples) {
  const ring = await openDataset("toy:ring?modes=8&count=4000&seed=7");
  const { samples: real } = await ring.batch(Array.from({ length: samples }, (_, k) => k));
  return (student) =>
    scope(() => {
      const made = inferenceMode(() => student.generate(student.latents(samples, new Generator(77)))).clone();
      const counts = Array(8).fill(0);
      const sectors = Array(8).fill(0);
      let radius = 0;
      for (const [x, y] of made.toArray()) {
        sectors[(Math.round((Math.atan2(y, x) * 4) / Math.PI) + 8) % 8]++;
        radius += Math.hypot(x, y) / samples;
        const mode = centers.findIndex(([a, b]) => Math.hypot(x - a, y - b) < 0.15);
        if (mode >= 0) counts[mode]++;
      }
      const enough = (count) => count >= samples / 80;
      return {
        modes: counts.filter(enough).length,
        sectors: sectors.filter(enough).length,
        radius,
        onModes: counts.reduce((sum, count) => sum + count, 0) / samples,
        distance: slicedWasserstein(made, real, { projections: 64 }),
      };
    });
}

/** Levels that narrow from EDM's to others: `ln sigma ~ N(mean, deviation^2)`, both in tensors, where captured steps read them. */
export class Narrowing {
  mean = keep(zeros([]));
  deviation = keep(zeros([]));
  constructor([mean, deviation]) {
    this.end = [mean, deviation];
    this.narrow(0);
  }
  /** @param share of the way, from 0 to 1 */
  narrow(share) {
    this.mean.fill_(-1.2 + share * (this.end[0] + 1.2));
    this.deviation.fill_(1.2 + share * (this.end[1] - 1.2));
  }
  sample(count, generator, device = "cpu") {
    return randn([count], { generator, device }).mul(this.deviation).add(this.mean).exp();
  }
}

/**
 * One distillation.
 * @param method plain; start, targets, whole: parts of a recorded path; whole-20: of twenty nodes; checkpoints: the teacher's;
 *   between: `nodes` of them, recorded in `steps` along samples between the teacher's and the student's
 * @param settings of the backtracking, and `recording`, the recording's learning rate
 * @param settings.anneal share of the run in which `noise` narrows, if it is a `Narrowing`
 * @param settings.rates [from, to, factor]: between two shares of the run the rates fall geometrically to this factor
 * @returns the last figures, and the curve with the processor seconds at each point
 */
export function distillInPlane({
  teacher,
  student,
  noise,
  method,
  seed,
  settings,
  checkpoints,
  judge,
  smoke,
}) {
  const place = mkdtempSync(join(tmpdir(), "disback-plane-"));
  const execution = { seed };
  const path = { teacher, student, fit: new DenoisingFit(noise), folder: join(place, "path") };
  const recorded = () =>
    record({
      ...{ ...path, execution, learningRate: settings.recording, batchSize: settings.batchSize },
      ...(method === "whole-20" ? { nodes: new TrustRegion(20) } : {}),
      steps: smoke ? 40 : 200,
    });
  const other = {
    plain: () => undefined,
    between: () => {
      const { steps, nodes } = settings.between;
      const own = teacherSamples(teacher, student, { count: smoke ? 100 : 2048, seed });
      const fitted = { learningRate: settings.recording, batchSize: settings.batchSize, teacherSamples: own };
      const made = record({ ...path, execution, ...fitted, steps, nodes: evenSteps(steps, steps / nodes) });
      own.dispose();
      return made;
    },
    checkpoints: () => checkpointTrajectory({ ...path, checkpoints, seed }),
  };
  let began = cpuSeconds();
  const trajectory = (other[method] ?? recorded)();
  const recordingSeconds = cpuSeconds() - began;
  const work = new Backtracking({
    ...{ teacher, student, trajectory, execution, objective: new DiffInstruct({ noise }) },
    ...settings,
    use: method === "start" || method === "targets" ? method : "whole",
  });
  let seconds = recordingSeconds;
  let rate = 1;
  const every = Math.min(25, Math.max(1, Math.round(settings.iterations / 12)));
  const curve = [{ iteration: 0, seconds, ...judge(work.average) }];
  while (!work.finished) {
    began = cpuSeconds();
    const share = work.iteration / settings.iterations;
    const wanted = decayed(settings.rates, share);
    if (wanted !== rate) work.scaleLearningRate(wanted / rate);
    rate = wanted;
    noise.narrow?.(Math.min(1, share / settings.anneal));
    work.step();
    seconds += cpuSeconds() - began;
    if (work.iteration % every === 0)
      curve.push({ iteration: work.iteration, seconds, ...judge(work.average) });
  }
  const nodes = trajectory?.nodes.length ?? 0;
  work.dispose();
  rmSync(place, { recursive: true });
  const { modes, distance, onModes } = curve.at(-1);
  const most = Math.max(...curve.map((point) => point.modes));
  return { nodes, recordingSeconds, seconds, modes, distance, onModes, most, curve };
}

/** From 1 to the factor, geometrically, between two shares of the run. */
function decayed([from, to, factor] = [0, 1, 1], share) {
  return factor ** Math.min(1, Math.max(0, (share - from) / (to - from)));
}

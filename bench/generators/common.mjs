// What the parts share: processor time, speed of a student, a run of both stages with a curve.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { Generator, inferenceMode, scope } from "@disback/torch";
import { Backtracking, record } from "disback";

export const cpuSeconds = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

export const bytesOf = (module) => module.parameters().reduce((sum, { numel }) => sum + 4 * numel, 0);

/** Samples per second of processor time, in batches of 64. */
export function speedOf(student, seconds = 2) {
  student.module.eval();
  const random = new Generator(0);
  const draw = () =>
    inferenceMode(() =>
      scope(() => void student.generate(student.latents(64, random), student.conditions.draw(64, random))),
    );
  draw();
  const start = cpuSeconds();
  let made = 0;
  for (; cpuSeconds() - start < seconds; made += 64) draw();
  return Math.round(made / (cpuSeconds() - start));
}

/** Draws samples without gradients, `count` a call, from one stream of numbers. */
export function drawerOf(student, seed = 99) {
  student.module.eval();
  const random = new Generator(seed);
  return (count) =>
    inferenceMode(() =>
      student.generate(student.latents(count, random), student.conditions.draw(count, random)).clone(),
    );
}

/** The first `count` of those samples. */
export const samplesOf = (student, count) => drawerOf(student)(count);

/**
 * Both stages, or the second alone, with figures on the way.
 * @param method plain: the objective alone; start: the auxiliary model starts at the path's end; path: all of it
 * @param seconds processor time after which it stops, a recording and `spent` counted and the judging not; without it, all steps
 * @param spent processor seconds that the student has cost before
 * @param every steps between figures; with `seconds`, they come after each third of them
 * @param judge figures of a student
 */
export async function run({
  teacher,
  student,
  method,
  seed,
  work,
  recording = {},
  backtracking,
  seconds,
  spent = 0,
  every,
  judge,
  fit,
}) {
  const execution = { seed };
  const begin = cpuSeconds() - spent;
  const folder = join(work, "trajectory");
  rmSync(folder, { recursive: true, force: true });
  const trajectory =
    method === "plain"
      ? undefined
      : record({ teacher, student, folder, execution, ...(fit ? { fit } : {}), ...recording });
  const recorded = cpuSeconds() - begin - spent;
  const use = method === "start" ? { use: "start" } : {};
  const training = new Backtracking({ teacher, student, trajectory, execution, ...use, ...backtracking });
  const curve = [];
  let judging = 0;
  const note = async () => {
    const before = cpuSeconds();
    const at = { step: training.iteration, seconds: Number((before - begin - judging).toFixed(1)) };
    curve.push({ ...at, ...(await judge(training.average)) });
    judging += cpuSeconds() - before;
  };
  const thirds = () => Math.floor((3 * (cpuSeconds() - begin - judging)) / seconds);
  let reached = 0;
  await note();
  let shown = seconds ? thirds() : 0;
  while (!training.finished && shown < 3) {
    const { target } = training.step();
    if (target > 0) reached = training.iteration;
    const due = seconds ? thirds() > shown : training.iteration % every === 0;
    if (!due && !training.finished) continue;
    await note();
    if (seconds) shown = thirds();
  }
  const result = training.result();
  training.dispose();
  return {
    result,
    curve,
    ...(trajectory ? { nodes: trajectory.nodes.map(({ step }) => step), teacherFrom: reached } : {}),
    recordingSeconds: Math.round(recorded),
    cpuSeconds: Math.round(curve.at(-1).seconds),
  };
}

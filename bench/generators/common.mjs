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

/** Draws `count` samples, always the same, without gradients. */
export function samplesOf(student, count, seed = 99) {
  student.module.eval();
  const random = new Generator(seed);
  return inferenceMode(() =>
    student.generate(student.latents(count, random), student.conditions.draw(count, random)).clone(),
  );
}

/**
 * Both stages, or the second alone, with figures on the way.
 * @param method plain: the objective alone; start: the auxiliary model starts at the path's end; path: all of it
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
  every,
  judge,
  fit,
}) {
  const execution = { seed };
  const begin = cpuSeconds();
  const folder = join(work, "trajectory");
  rmSync(folder, { recursive: true, force: true });
  const trajectory =
    method === "plain"
      ? undefined
      : record({ teacher, student, folder, execution, ...(fit ? { fit } : {}), ...recording });
  const recorded = cpuSeconds() - begin;
  const use = method === "start" ? { use: "start" } : {};
  const training = new Backtracking({ teacher, student, trajectory, execution, ...use, ...backtracking });
  const curve = [{ step: 0, ...(await judge(training.average)) }];
  let judging = 0;
  let reached = 0;
  while (!training.finished) {
    const { target } = training.step();
    if (target > 0) reached = training.iteration;
    if (training.iteration % every !== 0 && !training.finished) continue;
    const before = cpuSeconds();
    curve.push({ step: training.iteration, ...(await judge(training.average)) });
    judging += cpuSeconds() - before;
  }
  const result = training.result();
  training.dispose();
  return {
    result,
    curve,
    ...(trajectory ? { nodes: trajectory.nodes.map(({ step }) => step), teacherFrom: reached } : {}),
    recordingSeconds: Math.round(recorded),
    cpuSeconds: Math.round(cpuSeconds() - begin - judging),
  };
}

// Trains a student for some processor seconds, and keeps it at fractions of them.
import { rmSync } from "node:fs";
import { Backtracking, Imitation, record } from "disback";
import { cpuSeconds } from "../generators/common.mjs";

const fractions = [0.25, 0.5, 0.75, 1];
const usualRates = { studentLearningRate: 5e-4, auxiliaryLearningRate: 1e-3 };

/**
 * Imitates as `distill` does, or records a trajectory, and then backtracks with Diff-Instruct.
 * @param rates learning rates of the student and the auxiliary model; default the usual ones
 * @param trajectory folder of the trajectory; without one, the student imitates
 * @returns the student at each fraction, with the steps until then
 */
export function trainFor({
  teacher,
  student,
  seed,
  seconds,
  trajectory: folder,
  smoke,
  batchSize = 48,
  rates = usualRates,
}) {
  const execution = { seed };
  const began = cpuSeconds();
  const spent = () => cpuSeconds() - began;
  const marks = [];
  let [imitated, recorded, steps] = [0, 0, 0];
  const keep = (current) => {
    while (marks.length < fractions.length && spent() >= fractions[marks.length] * seconds)
      marks.push({
        fraction: fractions[marks.length],
        student: current().withModule(current().module.clone().eval()),
        ...{ imitated, recorded, steps },
      });
  };
  let trajectory;
  if (folder) {
    rmSync(folder, { recursive: true, force: true });
    recorded = smoke ? 4 : 40;
    trajectory = record({ teacher, student, folder, execution, steps: recorded, batchSize });
  } else {
    const imitation = new Imitation({ teacher, student, execution });
    while (!imitation.finished && spent() < seconds / 3) {
      imitation.step();
      imitated++;
      keep(() => student);
    }
    imitation.dispose();
  }
  const training = new Backtracking({
    ...{ teacher, student, trajectory, execution, batchSize, ...rates },
    ...{ iterations: 1e6, emaDecay: 0.98 },
  });
  while (marks.length < fractions.length) {
    training.step();
    steps++;
    keep(() => training.average);
  }
  training.dispose();
  return marks;
}

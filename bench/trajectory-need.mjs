// The teacher's denoising loss on the initial student's samples, for every shipped teacher and three students:
// above 1, `disback distill` records a trajectory for students that are no copies and may not imitate. Run after `npm ci`:  node bench/trajectory-need.mjs
import { Generator, setNumThreads } from "@disback/torch";
import { DenoiserStudent, decide, lossOnFirstSamples } from "disback";
import { createDenoiser, loadModel } from "disback/models";

setNumThreads(1);
const seed = 0;
const rows = [];
for (const name of ["2d-ring", "fashion-mnist-16", "fashion-mnist-32", "cifar10-16"]) {
  const folder = new URL(`../packages/disback/assets/teachers/${name}`, import.meta.url).pathname;
  const { denoiser: teacher, config } = loadModel(folder);
  const width = config.network === "mlp" ? "hiddenChannels" : "modelChannels";
  const students = {
    same: teacher.clone(),
    untrained: createDenoiser(config, { generator: new Generator(seed) }),
    small: createDenoiser({ ...config, [width]: config[width] / 2 }, { generator: new Generator(seed) }),
  };
  for (const [student, network] of Object.entries(students)) {
    for (const sigmaInit of [1, 2.5, 10]) {
      const made = new DenoiserStudent(network, { sigmaInit });
      const loss = lossOnFirstSamples({ teacher, student: made, seed });
      const { record } = decide({
        ...{ method: "auto", teacher, student: made, imitation: { steps: 0 }, seed },
      });
      rows.push({ teacher: name, student, sigmaInit, loss: Number(loss.toFixed(3)), record });
    }
  }
}
console.table(rows);

// Teachers that start with the weights of `fashion-mnist-16`: minutes instead of hours.
import { existsSync } from "node:fs";
import { Generator, noGrad } from "@disback/torch";
import { createDenoiser, loadModel, saveModel, TeacherTraining } from "disback/models";
import { cpuSeconds } from "../generators/common.mjs";

/**
 * @param folder of the teacher; made where it is not there yet
 * @param config of its network; weights of the same name and shape are `fashion-mnist-16`'s
 * @param shipped folder of `fashion-mnist-16`
 * @param part prefix of the names in the network
 */
export async function trainedTeacher(folder, { dataset, config, iterations, batchSize, shipped, part = "" }) {
  if (existsSync(folder)) return folder;
  const denoiser = createDenoiser(config, { generator: new Generator(0) });
  const own = denoiser.stateDict();
  noGrad(() => {
    for (const [key, value] of loadModel(shipped).denoiser.stateDict()) {
      const target = own.get(key.replace("model.", `model.${part}`));
      if (target?.shape.join() === value.shape.join()) target.copy_(value);
    }
  });
  const training = new TeacherTraining({
    ...{ denoiser, dataset, iterations, batchSize },
    ...{ learningRate: 2e-3, averageHalfLife: 8000, labelDropout: 0 },
    execution: { seed: 0 },
  });
  const began = cpuSeconds();
  for (let iteration = 1; iteration <= iterations; iteration++) {
    const { loss } = await training.step();
    if (iteration % 50 === 0)
      console.log(folder, iteration, loss.toFixed(4), `${Math.round(cpuSeconds() - began)} s`);
  }
  saveModel(folder, training.average, config);
  return folder;
}

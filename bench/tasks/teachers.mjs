// Teachers that start with the weights of `fashion-mnist-16`: minutes instead of hours.
import { existsSync, renameSync } from "node:fs";
import { Generator, noGrad } from "@disback/torch";
import { createDenoiser, loadModel, saveModel, TeacherTraining } from "disback/models";
import { latestCheckpoint, saveCheckpoint } from "disback/runs";
import { cpuSeconds } from "../generators/common.mjs";

/**
 * @param folder of the teacher; made where it is not there yet; a stopped training goes on from its last checkpoint
 * @param config of its network; weights of the same name and shape are `fashion-mnist-16`'s
 * @param shipped folder of `fashion-mnist-16`
 * @param part prefix of the names in the network
 * @param more settings of the training
 */
export async function trainedTeacher(
  folder,
  { dataset, config, iterations, batchSize, shipped, part = "", more = {} },
) {
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
    ...{ learningRate: 2e-3, averageHalfLife: 8000, labelDropout: 0, ...more },
    execution: { seed: 0 },
  });
  const run = `${folder}.run`;
  const checkpoint = await latestCheckpoint(run, console.log);
  if (checkpoint) training.loadState(checkpoint.state);
  const began = cpuSeconds();
  while (training.iteration < iterations) {
    const { loss } = await training.step();
    const { iteration } = training;
    if (iteration % 50 !== 0) continue;
    await saveCheckpoint(run, iteration, training.state());
    console.log(folder, iteration, loss.toFixed(4), `${Math.round(cpuSeconds() - began)} s`);
  }
  saveModel(`${folder}.part`, training.average, config);
  renameSync(`${folder}.part`, folder);
  return folder;
}

// Teachers of digits and icons, in the network of `fashion-mnist-16`. They start with its weights: minutes instead of hours.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { Generator, noGrad } from "@disback/torch";
import { openDataset } from "disback/data";
import { createDenoiser, loadModel, saveModel, TeacherTraining } from "disback/models";

/**
 * @param shipped folder of `fashion-mnist-16`
 * @returns the teacher's folder; made where it is not there yet
 */
export async function trainedTeacher(work, name, { data, classNames, iterations, batchSize, shipped }) {
  const folder = join(work, `teacher-${name}`);
  if (existsSync(folder)) return folder;
  const labels = classNames.length > 0;
  const dataset = await openDataset(data, { resolution: 16, channels: 1, labels });
  const { denoiser: begun, config: stored } = loadModel(shipped);
  const { classNames: _, ...shared } = stored;
  const config = {
    ...shared,
    labelDim: classNames.length,
    ...(labels ? { classNames } : {}),
  };
  const denoiser = createDenoiser(config, { generator: new Generator(0) });
  const own = denoiser.stateDict();
  noGrad(() => {
    for (const [key, value] of begun.stateDict())
      if (own.get(key)?.shape.join() === value.shape.join()) own.get(key).copy_(value);
  });
  const training = new TeacherTraining({
    ...{ denoiser, dataset, iterations, batchSize },
    ...{ learningRate: 2e-3, averageHalfLife: 8000, labelDropout: 0 },
    execution: { seed: 0 },
  });
  const began = process.cpuUsage().user;
  for (let iteration = 1; iteration <= iterations; iteration++) {
    const { loss } = await training.step();
    if (iteration % 50 === 0)
      console.log(name, iteration, loss.toFixed(4), Math.round((process.cpuUsage().user - began) / 1e6), "s");
  }
  saveModel(folder, training.average, config);
  return folder;
}

// What the ES modules for `--teacher` share.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readScoreNet, ScoreDenoiser } from "./score-net.mjs";

/** Where `bench/galaxies.mjs` unpacks the package. */
export const weightsFolder = fileURLToPath(new URL("weights/", import.meta.url));

/** Pixels are x = 10 ln(1 + flux): black is an empty sky, white a flux of 1.7 in a pixel. */
export const picture = (samples) => samples.div(5).sub(1);

/** What a galaxy of so many pixels is: `[1, side, side]`, without a condition. */
export const factsOf = (side, sigmaData) => ({ sampleShape: [1, side, side], sigmaData, condition: {} });

/** What `--teacher` asks of an ES module: the module, its facts, and how its samples are shown. */
export function openTeacher(file, { side, sigmaData }) {
  if (!existsSync(file)) throw new Error(`${file} is not there; run: node bench/galaxies.mjs --install`);
  return { module: new ScoreDenoiser(readScoreNet(file)), facts: factsOf(side, sigmaData), picture };
}

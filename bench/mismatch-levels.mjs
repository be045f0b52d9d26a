// The mismatch degree between nodes of one trajectory over the noise levels of different objectives: which thresholds
// mean the same. The 2-D teacher, an untrained student and the teacher's copy.
// node bench/mismatch-levels.mjs
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Generator, inferenceMode, setNumThreads } from "@disback/torch";
import {
  addNoise,
  agreement,
  DenoiserStudent,
  KarrasUniform,
  LogNormal,
  record,
} from "../packages/disback/dist/index.js";
import { createDenoiser, loadModel } from "../packages/disback/dist/public/models.js";
import { printTable } from "./report.mjs";

setNumThreads(1);
const folder = new URL("../packages/disback/assets/teachers/2d-ring", import.meta.url);
const { denoiser: teacher, config } = loadModel(fileURLToPath(folder));
const levels = {
  "diff-instruct": new LogNormal(),
  dmd: new KarrasUniform({ from: 0.02, to: 0.98, levels: 1000 }),
  sid: new KarrasUniform({ to: 0.8 }),
};
const rows = [];
for (const start of ["untrained", "same"]) {
  const network =
    start === "untrained" ? createDenoiser(config, { generator: new Generator(1) }) : teacher.clone();
  const student = new DenoiserStudent(network, { sigmaInit: 2.5 });
  const place = mkdtempSync(join(tmpdir(), "disback-mismatch-"));
  const path = record({
    ...{ teacher, student, folder: join(place, "path"), steps: 150, batchSize: 128, learningRate: 1e-3 },
    nodes: [3, 6, 12, 20, 30, 45, 65, 90, 120, 150],
  });
  const samples = inferenceMode(() => student.generate(student.latents(4096, new Generator(4)))).clone();
  const fitted = teacher.clone().eval();
  const target = teacher.clone().eval();
  path.loadInto(fitted, path.nodes.length);
  for (let node = path.nodes.length - 1; node >= 0; node--) {
    if (node > 0) path.loadInto(target, node);
    else target.loadStateDict(teacher.stateDict());
    const figures = Object.values(levels).map((noise) => {
      const { sigma, noised } = addNoise(samples, noise, new Generator(7));
      const [near, wanted] = inferenceMode(() => [
        fitted.denoise(noised, sigma),
        target.denoise(noised, sigma),
      ]);
      const estimates = { clean: samples, sigma, fitted: near, wanted };
      const { targetError, auxiliaryError } = agreement(estimates, teacher.facts.sigmaData);
      return (targetError.item() / auxiliaryError.item()).toFixed(3);
    });
    rows.push([start, String(node), ...figures]);
  }
  rmSync(place, { recursive: true });
}
printTable([["student", "target", ...Object.keys(levels)], ...rows]);

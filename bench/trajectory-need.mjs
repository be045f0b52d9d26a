// Do the noise levels in use bridge the gap between an initial student and the data (`measureReach`)? Shipped teachers, students that
// are no copies, and four ranges of levels: above 1.2, `disback distill` records a trajectory for points whose student does not imitate.
//   node bench/trajectory-need.mjs [--teachers 2d-ring,fashion-mnist-16,fashion-mnist-32,cifar10-16] [--seeds 1] [--smoke]
// Rows that bench/results/trajectory-need.json has already are not measured again.
import { existsSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { Generator, setNumThreads } from "@disback/torch";
import { DenoiserStudent, GeneratorStudent, LogNormal, measureReach } from "disback";
import { createDenoiser, createGenerator, loadModel } from "disback/models";
import { machine, save } from "./report.mjs";

setNumThreads(1);
const { values: flags } = parseArgs({
  options: {
    teachers: { type: "string", default: "2d-ring,fashion-mnist-16,fashion-mnist-32,cifar10-16" },
    seeds: { type: "string", default: "1" },
    smoke: { type: "boolean", default: false },
  },
});
const ranges = {
  "N(-1.2, 1.2)": [-1.2, 1.2],
  "N(-2.6, 1.2)": [-2.6, 1.2],
  "N(-2, 0.6)": [-2, 0.6],
  "N(-3, 0.6)": [-3, 0.6],
};
const results = new URL("results/trajectory-need.json", import.meta.url);
const rows = !flags.smoke && existsSync(results) ? JSON.parse(readFileSync(results, "utf8")).rows : [];

/** Students by name; a DCGAN for pictures. */
function studentsOf({ denoiser: teacher, config }, seed) {
  const generator = new Generator(seed);
  const untrained = () => new DenoiserStudent(createDenoiser(config, { generator }), { sigmaInit: 2.5 });
  if (config.network === "mlp") return { untrained };
  const { imageResolution, imageChannels, labelDim } = config;
  const picture = { imageResolution, imageChannels, labelDim, latentSize: 64, modelChannels: 32 };
  const dcgan = () =>
    new GeneratorStudent(createGenerator({ network: "dcgan", sigmaData: 0.5, ...picture }, { generator }), {
      facts: teacher.facts,
    });
  return { untrained, dcgan };
}

for (const name of flags.smoke ? ["2d-ring"] : flags.teachers.split(",")) {
  const opened = loadModel(new URL(`../packages/disback/assets/teachers/${name}`, import.meta.url).pathname);
  for (const seed of flags.seeds.split(",").map(Number))
    for (const [student, make] of Object.entries(studentsOf(opened, seed))) {
      if (rows.some((row) => row.teacher === name && row.student === student && row.seed === seed)) continue;
      const made = make();
      const of = (levels) =>
        measureReach({
          ...{ teacher: opened.denoiser, student: made, levels: new LogNormal(...levels), seed },
          ...(flags.smoke ? { samples: 16 } : {}),
        }).ratio;
      const ratios = Object.entries(ranges).map(([range, levels]) => [range, Number(of(levels).toFixed(2))]);
      rows.push({ teacher: name, student, seed, ...Object.fromEntries(ratios) });
      if (!flags.smoke) save("trajectory-need", { machine: machine(), rows });
    }
}
console.table(rows);

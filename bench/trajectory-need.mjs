// Do EDM's noise levels bridge the gap between an initial student and the data (`measureReach`)? Every shipped teacher, three
// students and two ranges of levels: above 2, `disback distill` records a trajectory for students that are no copies and do
// not imitate. Run after `npm ci`:  node bench/trajectory-need.mjs [TEACHER…]
import { Generator, setNumThreads } from "@disback/torch";
import { DenoiserStudent, LogNormal, measureReach } from "disback";
import { createDenoiser, loadModel } from "disback/models";

setNumThreads(1);
const seed = 0;
const shipped = ["2d-ring", "fashion-mnist-16", "fashion-mnist-32", "cifar10-16"];
const rows = [];
for (const name of process.argv.length > 2 ? process.argv.slice(2) : shipped) {
  const folder = new URL(`../packages/disback/assets/teachers/${name}`, import.meta.url).pathname;
  const { denoiser: teacher, config } = loadModel(folder);
  const width = config.network === "mlp" ? "hiddenChannels" : "modelChannels";
  const students = {
    same: teacher.clone(),
    untrained: createDenoiser(config, { generator: new Generator(seed) }),
    small: createDenoiser({ ...config, [width]: config[width] / 2 }, { generator: new Generator(seed) }),
  };
  for (const [student, network] of Object.entries(students)) {
    const made = new DenoiserStudent(network, { sigmaInit: 2.5 });
    const reach = ([mean, deviation]) =>
      Number(
        measureReach({ teacher, student: made, levels: new LogNormal(mean, deviation), seed }).ratio.toFixed(
          2,
        ),
      );
    const row = {
      teacher: name,
      student,
      "N(-1.2, 1.2)": reach([-1.2, 1.2]),
      "N(-3, 0.6)": reach([-3, 0.6]),
    };
    rows.push(row);
    console.log(JSON.stringify(row));
  }
}
console.table(rows);

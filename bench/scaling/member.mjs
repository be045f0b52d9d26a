// One process of a measurement: makes some steps of Diff-Instruct on the shipped Fashion-MNIST teacher, one thread, and
// prints (rank 0) the wall-clock and processor seconds of each.
import { ProcessGroup, setNumThreads } from "@disback/torch";
import {
  Backtracking,
  DenoiserStudent,
  DiffInstruct,
  openDenoiser,
  Processes,
} from "../../packages/disback/dist/index.js";

const [batchSize, steps, warmUp] = process.argv.slice(2).map(Number);
setNumThreads(1);
const group = ProcessGroup.fromEnvironment();
const processes = new Processes(group);
const opening = { device: "cpu", unconditional: true };
const { module: teacher } = await openDenoiser("fashion-mnist-16", opening);
teacher.requiresGrad_(false);
const student = new DenoiserStudent(teacher.clone().requiresGrad_(true), { sigmaInit: 2.5 });
const work = new Backtracking({
  ...{ teacher, student, objective: new DiffInstruct(), batchSize, iterations: 1e9 },
  execution: { processes },
});
for (let step = 0; step < warmUp; step++) work.step();
const wall = [];
const processor = [];
for (let step = 0; step < steps; step++) {
  group?.barrier();
  const [began, used] = [performance.now(), process.cpuUsage()];
  work.step();
  wall.push((performance.now() - began) / 1000);
  const { user, system } = process.cpuUsage(used);
  processor.push((user + system) / 1e6);
}
group?.barrier();
const parameters = student.module.parameters().reduce((sum, { numel }) => sum + numel, 0);
if (processes.leads) console.log(JSON.stringify({ wall, processor, parameters }));

// The library in one page: a diffusion model of eight Gaussians on a ring becomes a one-step generator.
// Run after `npm ci`:  node examples/distill-ring.mjs   (about a minute; writes ring.png)
import { Generator, inferenceMode, scope } from "@disback/torch";
import { Backtracking, DenoiserStudent, evenSteps, record, StepsPerTarget } from "disback";
import { openDataset, writeScatter } from "disback/data";
import { modeCoverage } from "disback/metrics";
import { loadModel } from "disback/models";

const shipped = new URL("../packages/disback/assets/teachers/2d-ring", import.meta.url).pathname;
const { denoiser: teacher } = loadModel(shipped);
const student = new DenoiserStudent(teacher.clone(), { sigmaInit: 2.5 });

// Stage 1: how the teacher degrades when it is fitted to the untrained student.
const folder = `runs/example-ring-${Date.now()}`;
const trajectory = record({ teacher, student, folder, steps: 60, nodes: evenSteps(60, 15), batchSize: 512 });
for (const node of trajectory.nodes)
  console.log(`node after ${node.step} steps, distance ${node.distance.toFixed(3)}`);

// Stage 2: the student walks back along that path.
const work = new Backtracking({
  teacher,
  student,
  trajectory,
  schedule: new StepsPerTarget(15),
  iterations: 600,
  batchSize: 512,
  studentLearningRate: 3e-4,
  auxiliaryLearningRate: 6e-4,
});
const { modes } = await openDataset("toy:ring");
const samples = () =>
  inferenceMode(() => scope(() => work.average.generate(student.latents(4000, new Generator(1)))));
while (!work.finished) {
  const { target, mismatch } = work.step();
  if (work.iteration % 100 === 0) {
    const { coverage, highQuality } = modeCoverage(samples(), modes);
    console.log(
      `iteration ${work.iteration}, target ${target}, mismatch ${mismatch.toFixed(2)}, ` +
        `modes covered ${coverage}, samples on a mode ${highQuality}`,
    );
  }
}
await writeScatter("ring.png", samples());
console.log("ring.png");

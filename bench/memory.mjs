// Resident memory over a long training of a small U-Net: prints its slope and whether it counts as flat.
// node bench/memory.mjs [--steps 10000] [--size tiny|small]
import { parseArgs } from "node:util";
import { EMA, manualSeed, memoryStatistics, setNumThreads } from "@disback/torch";
import { machine, positive, printTable, quantile, save } from "./report.mjs";
import { sizeNamed, Training } from "./unet.mjs";

const { values: flags } = parseArgs({
  options: { steps: { type: "string", default: "10000" }, size: { type: "string", default: "tiny" } },
});
const steps = positive(flags, "steps");
const size = sizeNamed(flags.size);
// Compilers, caches and V8's heap settle first; a leak goes on afterwards.
const warmUp = Math.floor(steps / 5);
const interval = Math.max(1, Math.floor(steps / 200));
// Growth after the warm-up that still counts as flat, in KB: of 10,000 steps, far less than one small tensor each.
const allowance = 1024;

setNumThreads(1);
manualSeed(1);
const training = new Training(size);
const average = new EMA(training.network, { decay: 0.999 });
const samples = [];
for (let step = 1; step <= steps; step++) {
  training.step();
  average.update();
  if (step % interval === 0) {
    samples.push({ step, residentKB: process.memoryUsage.rss() / 1024, tensors: memoryStatistics().tensors });
    // Other work of a real training, such as drawing progress, also lets the event loop turn.
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const settled = samples.filter(({ step }) => step > warmUp);
const slope = slopeOf(settled.map(({ step, residentKB }) => [step / 1000, residentKB]));
const [first, last] = [settled[0], settled.at(-1)];
const limit = (allowance * 1000) / (steps - warmUp);
const passed = slope < limit && last.tensors === first.tensors;
printTable([
  ["step", "resident MB", "tensors"],
  ...samples
    .filter((_, index) => (index + 1) % Math.ceil(samples.length / 10) === 0)
    .map(({ step, residentKB, tensors }) => [step, (residentKB / 1024).toFixed(1), tensors]),
]);
console.log(
  `\nslope after step ${warmUp}: ${slope.toFixed(1)} KB per 1000 steps (limit ${limit.toFixed(0)}): ${passed ? "pass" : "FAIL"}`,
);
const settings = { steps, size, warmUp, interval, allowance, threads: 1 };
save("memory", { machine: machine(), settings, slopeKBPer1000Steps: slope, passed, samples });
process.exitCode = passed ? 0 : 1;

/** Theil and Sen's slope, the median over all pairs of points: single collections of garbage do not move it. */
function slopeOf(points) {
  const slopes = points.flatMap(([x, y], i) => points.slice(i + 1).map(([x2, y2]) => (y2 - y) / (x2 - x)));
  return quantile(slopes, 0.5);
}

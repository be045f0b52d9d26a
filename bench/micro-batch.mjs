// A step of Diff-Instruct whose batch goes through the networks in parts: peak memory of the tensors and time, beside the
// whole batch at once. The figures of the steps must be those of the whole batch.
// node bench/micro-batch.mjs [--network fashion-mnist-16|ddpm++] [--batch 128] [--parts 1,4,16] [--rounds 3] [--device cpu]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { memoryStatistics, resetPeakMemory, setNumThreads } from "@disback/torch";
import { Backtracking, DenoiserStudent } from "disback";
import { loadModel } from "disback/models";
import { networkNamed } from "./networks.mjs";
import { machine, positive, printTable, ratios, save, spread, timed, withQuartiles } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    network: { type: "string", default: "fashion-mnist-16" },
    batch: { type: "string", default: "128" },
    parts: { type: "string", default: "1,4,16" },
    rounds: { type: "string", default: "3" },
    device: { type: "string", default: "cpu" },
  },
});
const [batchSize, rounds] = ["batch", "rounds"].map((name) => positive(flags, name));
const { device } = flags;
const allParts = flags.parts.split(",").map(Number);

setNumThreads(1);
const temporary = mkdtempSync(join(tmpdir(), "micro-batch-"));
const found = Object.fromEntries(allParts.map((parts) => [parts, { wall: [], peaks: [], losses: [] }]));
try {
  const folder = networkNamed(flags.network, temporary);
  for (let round = 0; round < rounds; round++) for (const parts of allParts) measure(folder, parts);
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
const whole = found[allParts[0]];
for (const [parts, { losses }] of Object.entries(found))
  for (const [round, loss] of losses.entries())
    if (!(Math.abs(loss / whole.losses[round] - 1) < 1e-4))
      throw new Error(`in ${parts} parts the loss is ${loss}, else ${whole.losses[round]}`);
const results = allParts.map((parts) => ({
  parts,
  microBatch: batchSize / parts,
  wallSeconds: spread(found[parts].wall),
  timeOfWhole: ratios(found[parts].wall, whole.wall),
  peakMB: Math.max(...found[parts].peaks) / 2 ** 20,
}));
printTable([
  ["samples at once", "peak MB of tensors", "seconds of a step", "of the whole batch's"],
  ...results.map(({ microBatch, peakMB, wallSeconds, timeOfWhole }) => [
    microBatch,
    peakMB.toFixed(0),
    withQuartiles(wallSeconds),
    withQuartiles(timeOfWhole),
  ]),
]);
save(`micro-batch-${flags.network}-${batchSize}`, {
  machine: machine(),
  settings: { network: flags.network, batchSize, rounds, device, threads: 1 },
  results,
});

/** The second step of a distillation: all moments are there. */
function measure(folder, parts) {
  const [teacher, network] = [0, 1].map(() => loadModel(folder).denoiser.to({ device }));
  const student = new DenoiserStudent(network, { sigmaInit: 2.5 });
  const execution = { microBatch: batchSize / parts, seed: 1 };
  const work = new Backtracking({ teacher, student, batchSize, execution });
  const { loss } = work.step();
  resetPeakMemory(device);
  const { wall } = timed(() => work.step());
  found[parts].wall.push(wall);
  found[parts].peaks.push(memoryStatistics(device).peak);
  found[parts].losses.push(loss);
  for (const one of [work, teacher, network]) one.dispose();
}

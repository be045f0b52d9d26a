// Students of the shipped teachers' networks as ONNX files: size, difference from libtorch, samples per second of
// processor time (which holds on a busy machine), libtorch and ONNX Runtime in turn, one thread each.
// The weights are the teachers' own, which does not change these figures. Run after `npm ci`:  node bench/export.mjs [rounds]
import { writeFileSync } from "node:fs";
import { loadGenerator } from "@disback/generate";
import { Generator, inferenceMode, setNumThreads } from "@disback/torch";
import { checkOnnx, exportableModel, exportOnnx, loadModel } from "disback/models";

setNumThreads(1);
const rounds = Number(process.argv[2] ?? 5);
const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Processor seconds of a call, all threads of the process together. */
async function cost(body) {
  const before = process.cpuUsage();
  await body();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

const rows = [];
for (const name of ["2d-ring", "fashion-mnist-16", "fashion-mnist-32"]) {
  const folder = new URL(`../packages/disback/assets/teachers/${name}`, import.meta.url).pathname;
  const { denoiser, config } = loadModel(folder);
  const model = exportableModel(
    { module: denoiser, facts: denoiser.facts, config },
    { kind: "denoiser", sigmaInit: 2.5, laterSigmas: [] },
  );
  const batch = config.network === "mlp" ? 1024 : 16;
  const random = new Generator(0);
  const latents = model.student.latents(batch, random);
  const condition = model.student.conditions.draw(batch, random);
  const labels = condition?.class?.argmax(1).toArray().map(Number);
  const values = latents.data();
  for (const precision of ["f32", "f16", "int8"]) {
    const bytes = exportOnnx(model, precision);
    const { difference } = await checkOnnx(bytes, model, { precision, threads: 1 });
    const exported = await loadGenerator(bytes, { threads: 1 });
    const costs = { onnx: [], torch: [] };
    for (let round = 0; round < rounds; round++) {
      costs.torch.push(
        await cost(() => inferenceMode(() => model.student.generate(latents, condition).dispose())),
      );
      costs.onnx.push(await cost(() => exported.fromLatents(values, labels)));
    }
    await exported.dispose();
    rows.push({
      network: name,
      precision,
      kilobytes: Math.round(bytes.length / 1e3),
      difference: Number(difference.toPrecision(2)),
      onnxPerSecond: Math.round(batch / median(costs.onnx)),
      libtorchPerSecond: Math.round(batch / median(costs.torch)),
      ratio: Number(median(costs.onnx.map((seconds, round) => costs.torch[round] / seconds)).toFixed(2)),
    });
  }
}
console.table(rows);
writeFileSync(new URL("results/export.json", import.meta.url), `${JSON.stringify(rows, null, 2)}\n`);

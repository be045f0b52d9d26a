// Where the processor time of a step of distillation goes, or that of a student's one step (--sample), by kind of operator.
// node bench/step-profile.mjs [--network fashion-mnist-16|ddpm++|dit|unet-2d-condition] [--batch 16] [--steps 20] [--sample]
//   [--memory-format contiguous|channels-last]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Generator, inferenceMode, profile, scope, setNumThreads } from "@disback/torch";
import { Backtracking, DenoiserStudent } from "disback";
import { loadModel } from "disback/models";
import { computing } from "../packages/disback/dist/models/computation.js";
import { computationOf } from "../packages/disback/dist/runs/computation.js";
import { conditionsFor, networkNamed } from "./networks.mjs";
import { machine, positive, printTable, save, spread, timed } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    network: { type: "string", default: "fashion-mnist-16" },
    batch: { type: "string", default: "16" },
    steps: { type: "string", default: "20" },
    sample: { type: "boolean", default: false },
    "memory-format": { type: "string" },
  },
});
const [batchSize, steps] = ["batch", "steps"].map((name) => positive(flags, name));

/** The first match counts. Times are an operator's own, without the operators it calls. */
const kinds = [
  ["convolution, backward", /convolution_backward/],
  ["convolution, forward", /mkldnn_convolution|_slow_conv2d/],
  ["group norm (with SiLU), backward", /group_norm(_silu)?_backward/],
  ["group norm (with SiLU), forward", /group_norm/],
  ["SiLU", /silu/],
  ["resampling", /avg_pool2d|upsample/],
  ["linear layers, attention", /addmm|aten::mm$|bmm|softmax|attention/],
  ["Adam, norms, average", /fused_adam|foreach|vector_norm|nan_to_num|lerp/],
  ["the graph's bookkeeping", /autograd|Backward\d|AccumulateGrad/],
  ["copies, concatenation", /copy_|aten::cat|clone/],
  ["other arithmetic", /aten::(add|mul|sub|div|sum|mean|square|exp|log|sin|cos|addc|normal)/],
  ["views, allocation, dispatch of small calls", /./],
];

setNumThreads(1);
const temporary = mkdtempSync(join(tmpdir(), "step-profile-"));
try {
  measure(networkNamed(flags.network, temporary));
} finally {
  rmSync(temporary, { recursive: true, force: true });
}

function distilling(teacher, student) {
  const iterations = Number.MAX_SAFE_INTEGER;
  const distillation = new Backtracking({ batchSize, betas: [0, 0.999], teacher, student, iterations });
  return () => distillation.step();
}

function sampling(student) {
  const generator = new Generator(1);
  const latents = student.latents(batchSize, generator);
  const condition = student.conditions.draw(batchSize, generator);
  return () => inferenceMode(() => scope(() => void student.generate(latents, condition)));
}

function measure(folder) {
  const computation = computationOf({
    device: "cpu",
    precision: "f32",
    tf32: false,
    memoryFormat: flags["memory-format"],
    activationCheckpointing: false,
  });
  const opened = () => computing(loadModel(folder).denoiser, computation);
  const teacher = opened();
  const student = new DenoiserStudent(opened(), { sigmaInit: 2.5, conditions: conditionsFor(teacher) });
  const once = flags.sample ? sampling(student) : distilling(teacher, student);
  for (let step = 0; step < 3; step++) once();
  const plain = spread(Array.from({ length: steps }, () => timed(once).processor * 1000));
  const times = profile(() => {
    for (let step = 0; step < steps; step++) once();
  });
  const rows = new Map(kinds.map(([kind]) => [kind, { milliseconds: 0, calls: 0 }]));
  for (const { operator, calls, seconds } of times) {
    const row = rows.get(kinds.find(([, pattern]) => pattern.test(operator))[0]);
    row.milliseconds += (seconds * 1000) / steps;
    row.calls += calls / steps;
  }
  const total = [...rows.values()].reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  printTable([
    ["kind", "ms a step", "share", "calls a step"],
    ...[...rows].map(([kind, { milliseconds, calls }]) => [
      kind,
      milliseconds.toFixed(1),
      `${((100 * milliseconds) / total).toFixed(0)} %`,
      calls.toFixed(0),
    ]),
  ]);
  console.log(
    `a step without the profile: ${plain.median.toFixed(1)} ms; operators, profiled: ${total.toFixed(1)} ms`,
  );
  save(`step-profile-${flags.network}-${batchSize}${flags.sample ? "-sample" : ""}`, {
    machine: machine(),
    settings: { network: flags.network, batchSize, steps, memoryFormat: computation.memoryFormat },
    stepMilliseconds: plain,
    kinds: Object.fromEntries(rows),
  });
}

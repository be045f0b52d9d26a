// One base, several adapters, at real size: Stable Diffusion 1.5's U-Net (860 M) with random weights, 64x64 latents,
// batch 1. Records a short trajectory with adapters, then backtracks along it; seconds and memory of every step.
//
//   node bench/adapters.mjs [--network sd15|sdxl|tiny] [--rank 64] [--layers all|attention]
//                           [--recording 2] [--steps 10] [--size 64] [--bf16]
//                           [--checkpointing] [--guidance 7.5] [--offload] [--threads N]
//
// --bf16 holds the base in bfloat16 (adapters, moments and averages stay float32); --checkpointing recomputes the
// activations of blocks; --offload maps the base's weights from a file for each use; tiny is a network of the same kind that takes seconds, for tests.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeUNet2DCondition } from "../packages/disback/dist/import/diffusers/unet-2d-condition.js";
import { Backtracking, DenoiserStudent, Recording } from "../packages/disback/dist/index.js";
import { LowRankDenoiser } from "../packages/disback/dist/models/adapters/low-rank-denoiser.js";
import { streamBase } from "../packages/disback/dist/models/adapters/streamed-base.js";
import { computing } from "../packages/disback/dist/models/computation.js";
import { ConditionedNetwork } from "../packages/disback/dist/models/conditioned-network.js";
import { DiscreteDenoiser } from "../packages/disback/dist/models/preconditioning/discrete.js";
import { UNet2DConditionModel } from "../packages/disback/dist/models/unet-2d-condition/unet-2d-condition.js";
import { noWeights } from "../packages/disback/dist/models/weights.js";
import { keepingFingerprint } from "../packages/disback/dist/training/hashing.js";
import {
  Generator,
  memoryStatistics,
  noGrad,
  ops,
  randn,
  resetPeakMemory,
  scope,
  setNumThreads,
} from "../packages/torch/dist/index.js";

const { values: options } = parseArgs({
  options: {
    network: { type: "string", default: "sd15" },
    rank: { type: "string", default: "64" },
    layers: { type: "string", default: "all" },
    recording: { type: "string", default: "2" },
    steps: { type: "string", default: "10" },
    size: { type: "string" },
    bf16: { type: "boolean", default: false },
    checkpointing: { type: "boolean", default: false },
    offload: { type: "boolean", default: false },
    guidance: { type: "string", default: "7.5" },
    threads: { type: "string" },
  },
});
if (options.threads) setNumThreads(Number(options.threads));
const networks = {
  sd15: { cross_attention_dim: 768, attention_head_dim: 8, sample_size: 64 },
  sdxl: {
    ...{ sample_size: 128, cross_attention_dim: 2048, attention_head_dim: [5, 10, 20] },
    block_out_channels: [320, 640, 1280],
    down_block_types: ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    up_block_types: ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    ...{ transformer_layers_per_block: [1, 2, 10], use_linear_projection: true },
    ...{ addition_embed_type: "text_time", addition_time_embed_dim: 256 },
    projection_class_embeddings_input_dim: 2816,
  },
  tiny: {
    ...{ sample_size: 8, cross_attention_dim: 16, attention_head_dim: 4, norm_num_groups: 8 },
    ...{ block_out_channels: [16, 32], layers_per_block: 1 },
    down_block_types: ["CrossAttnDownBlock2D", "DownBlock2D"],
    up_block_types: ["UpBlock2D", "CrossAttnUpBlock2D"],
  },
};
const config = networks[options.network];
const rank = Number(options.rank);
const size = Number(options.size ?? config.sample_size);
const random = new Generator(1);

/** The network with weights of the right size, drawn in place. */
function network() {
  const description = describeUNet2DCondition({ config, configPath: "config.json" });
  const module = new UNet2DConditionModel(noWeights, description.options);
  const dtype = options.bf16 ? "bfloat16" : "float32";
  noGrad(() => {
    for (const weight of module.parameters()) {
      scope(() => {
        const drawn = randn(weight.shape, { generator: random });
        if (weight.ndim > 1) drawn.mul_((weight.numel / weight.shape[0]) ** -0.5);
        ops.set_data(weight, drawn.to(dtype));
      });
    }
  });
  return module.eval().requiresGrad_(false);
}

const memory = (name) =>
  Number(new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync("/proc/self/status", "utf8"))[1]) / 1e6;
const say = (line) => console.log(line);
const module = network();
const numbers = (parameters) => parameters.reduce((sum, { numel }) => sum + numel, 0);
const bytes = (parameters) =>
  parameters.reduce((sum, { numel, dtype }) => sum + numel * (dtype === "bfloat16" ? 2 : 4), 0);
const condition = { text: [77, module.textChannels], ...module.vectorShapes };
const teacher = new DiscreteDenoiser(
  new ConditionedNetwork(module),
  { sampleShape: [4, size, size], sigmaData: 1, condition },
  { betaSchedule: "scaled-linear", betaStart: 0.00085, betaEnd: 0.012, timesteps: 1000 },
);
computing(teacher, {
  precision: "f32",
  memoryFormat: "contiguous",
  activationCheckpointing: options.checkpointing,
});
const folder = mkdtempSync(join(process.env.DISBACK_BENCH_FOLDER ?? tmpdir(), "disback-adapters-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
if (options.offload)
  scope(() =>
    keepingFingerprint(teacher, () => streamBase(teacher, { file: join(folder, "base.safetensors") })),
  );
const conditions = {
  draw: (count, generator) =>
    Object.fromEntries(
      Object.entries(condition).map(([name, shape]) => [name, randn([count, ...shape], { generator })]),
    ),
};
const student = new DenoiserStudent(
  new LowRankDenoiser(teacher, { rank, layers: options.layers, generator: random }),
  {
    sigmaInit: 2.5,
    conditions,
  },
);
say(
  `${options.network}: ${(numbers(teacher.parameters()) / 1e6).toFixed(0)} M in ${options.bf16 ? "bf16" : "f32"}, ` +
    `${(bytes(teacher.parameters()) / 1e9).toFixed(2)} GB; adapters of rank ${rank} on ${options.layers} layers: ` +
    `${(numbers(student.module.parameters()) / 1e6).toFixed(1)} M; ${cpus()[0].model}, ` +
    `resident ${memory("VmRSS").toFixed(1)} GB, at most ${memory("VmHWM").toFixed(1)} GB so far`,
);
// From here on the peak is that of the training.
writeFileSync("/proc/self/clear_refs", "5");

const shared = { teacher, student, batchSize: 1 };
const run = (name, work, count) => {
  for (let step = 1; step <= count; step++) {
    const began = performance.now();
    resetPeakMemory();
    const before = process.cpuUsage();
    const figures = scope(() => work.step());
    const spent = process.cpuUsage(before);
    say(
      `${name} ${step}: ${((performance.now() - began) / 1000).toFixed(1)} s, ` +
        `${((spent.user + spent.system) / 1e6).toFixed(1)} s of processor time, resident ${memory("VmRSS").toFixed(2)} GB, ` +
        `peak ${memory("VmHWM").toFixed(2)} GB, ` +
        `tensors ${(memoryStatistics().live / 1e9).toFixed(2)} GB, at most ${(memoryStatistics().peak / 1e9).toFixed(2)} GB, ` +
        `loss ${figures.loss.toPrecision(4)}`,
    );
  }
};
const steps = Number(options.recording);
const recording = new Recording({
  ...shared,
  folder: join(folder, "path"),
  steps,
  nodes: [steps],
  probes: 1,
});
run("recording", recording, steps);
const { trajectory } = recording;
recording.dispose();
const node = join(trajectory.folder, trajectory.nodes[0].file);
say(`a node on disk: ${(statSync(node).size / 1e6).toFixed(0)} MB`);
const iterations = Number(options.steps);
const negative = conditions.draw(1, new Generator(2));
const guidance = { guidance: Number(options.guidance), guidanceOptions: { negative } };
run("backtracking", new Backtracking({ ...shared, ...guidance, trajectory, iterations }), iterations);

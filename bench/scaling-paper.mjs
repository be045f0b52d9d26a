// Data-parallel training worked out, not measured: what a step computes and sends on 8 to 1,024 GPUs, and where it stops
// scaling. A network's work is counted from its operators; every assumption about the machines is a flag.
// node bench/scaling-paper.mjs [--tflops 350] [--gigabytes 40] [--microseconds 5] [--bucket 25]
import { parseArgs } from "node:util";
import { Generator, ones, randn, trace, zeros } from "@disback/torch";
import { createDenoiser, parseDenoiserConfig } from "../packages/disback/dist/models/config.js";
import { machine, positive, printTable, save } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    /** sustained by one GPU in bfloat16 */
    tflops: { type: "string", default: "350" },
    /** sent per second from one GPU to the next in the ring */
    gigabytes: { type: "string", default: "40" },
    /** one hop of the ring */
    microseconds: { type: "string", default: "5" },
    /** MiB of gradients sent at once */
    bucket: { type: "string", default: "25" },
  },
});
const flopsPerSecond = positive(flags, "tflops") * 1e12;
const bandwidth = positive(flags, "gigabytes") * 1e9;
const latency = positive(flags, "microseconds") * 1e-6;
const bucketBytes = positive(flags, "bucket") * 2 ** 20;
/** A step in forward passes: student 1 + 2 (backward), auxiliary model 1 + 2, and both score models once more. */
const PASSES = 8;
const BACKWARD = 2;

const networks = {
  "DDPM++ (CIFAR-10)": {
    config: {
      network: "song-unet",
      imageResolution: 32,
      imageChannels: 3,
      modelChannels: 128,
      augmentDim: 9,
      channelMultipliers: [2, 2, 2],
    },
    batch: 512,
  },
  "ADM (ImageNet-64)": {
    config: { network: "dhariwal-unet", imageResolution: 64, imageChannels: 3, labelDim: 1000 },
    batch: 4096,
  },
};

const results = {};
for (const [name, { config, batch }] of Object.entries(networks)) {
  const { parameters, flops } = count(config);
  const rows = [];
  for (let gpus = 8; gpus <= 1024; gpus *= 2) {
    rows.push({ kind: "weak", ...step({ parameters, flops, gpus, images: 64 }) });
    if (batch >= gpus)
      rows.push({ kind: "strong", ...step({ parameters, flops, gpus, images: batch / gpus }) });
  }
  results[name] = { parameters, gigaflopsForward: flops / 1e9, globalBatch: batch, rows };
  const milliseconds = (seconds) => (1000 * seconds).toFixed(1);
  console.log(
    `\n${name}: ${(parameters / 1e6).toFixed(1)} M parameters, ${(flops / 1e9).toFixed(1)} GFLOP forward per image`,
  );
  for (const kind of ["weak", "strong"])
    printTable([
      [
        `${kind}: GPUs`,
        "images each",
        "compute ms",
        "MB sent each",
        "all-reduce ms",
        "exposed ms",
        "efficiency",
      ],
      ...rows
        .filter((row) => row.kind === kind)
        .map((row) => [
          String(row.gpus),
          String(row.images),
          milliseconds(row.compute),
          (row.bytes / 1e6).toFixed(0),
          milliseconds(row.allReduce),
          milliseconds(row.exposed),
          `${(100 * row.efficiency).toFixed(0)} %`,
        ]),
    ]);
}
const settings = { flopsPerSecond, bandwidth, latency, bucketBytes, passes: PASSES };
save("scaling-paper", { machine: machine(), settings, results });

/** One step: compute, a ring all-reduce per bucket of both networks' gradients, and what backward does not hide. */
function step({ parameters, flops, gpus, images }) {
  const bytes = 4 * parameters;
  const buckets = Math.ceil(bytes / bucketBytes);
  const compute = (PASSES * images * flops) / flopsPerSecond;
  const backward = (BACKWARD * images * flops) / flopsPerSecond;
  const sent = (2 * (gpus - 1) * bytes) / gpus;
  const one = sent / bandwidth + buckets * 2 * (gpus - 1) * latency;
  // The last bucket is full only when backward is over; the first one after 1/buckets of it.
  const exposed = Math.max(one / buckets, one - backward * (1 - 1 / buckets));
  return {
    ...{ gpus, images, compute, bytes: 2 * sent, allReduce: 2 * one, exposed: 2 * exposed },
    efficiency: compute / (compute + 2 * exposed),
  };
}

/** Parameters, and floating point operations of one image's forward pass in convolutions, matrices and attention. */
function count(settings) {
  const config = parseDenoiserConfig(settings);
  const denoiser = createDenoiser(config, { generator: new Generator(0) }).eval();
  const { imageChannels: channels, imageResolution: size, labelDim } = config;
  const x = randn([1, channels, size, size], { generator: new Generator(1) });
  const condition = labelDim > 0 ? { class: zeros([1, labelDim]) } : undefined;
  const { calls } = trace((input) => denoiser.denoise(input, ones([1]), condition), x);
  const numel = (shape) => shape.reduce((product, length) => product * length, 1);
  let flops = 0;
  for (const { operator, arguments: given, results: made } of calls) {
    const out = made[0]?.shape;
    if (/conv/.test(operator)) flops += (2 * numel(out) * numel(given.weight.shape)) / given.weight.shape[0];
    else if (/linear/.test(operator)) flops += 2 * numel(out) * given.weight.shape[1];
    else if (/::(mm|bmm|matmul)/.test(operator))
      flops += 2 * numel(out) * (given.self ?? given.input).shape.at(-1);
    else if (/addmm|baddbmm/.test(operator))
      flops += 2 * numel(out) * (given.mat1 ?? given.batch1).shape.at(-1);
    else if (/dot_product_attention/.test(operator))
      flops += 4 * numel(given.query.shape) * given.key.shape.at(-2);
  }
  return { parameters: denoiser.parameters().reduce((sum, one) => sum + one.numel, 0), flops };
}

// A convolution in bfloat16 beside float32 on this processor: whether half precision pays.
// node bench/half-precision.mjs [--rounds 9]
import { parseArgs } from "node:util";
import { Generator, inferenceMode, ops, randn, scope, setNumThreads } from "@disback/torch";
import { machine, positive, printTable, ratios, save, spread, timed, withQuartiles } from "./report.mjs";

const { values: flags } = parseArgs({ options: { rounds: { type: "string", default: "9" } } });
const rounds = positive(flags, "rounds");
const shape = { images: 4, channels: 64, resolution: 16, kernel: 3 };
const seed = 1;

setNumThreads(1);
const generator = new Generator(seed);
const { images, channels, resolution, kernel } = shape;
const input = randn([images, channels, resolution, resolution], { generator });
const weight = randn([channels, channels, kernel, kernel], { generator });
const milliseconds = { float32: [], bfloat16: [] };
const work = Object.fromEntries(
  Object.keys(milliseconds).map((dtype) => {
    const [x, w] = [input.to(dtype), weight.to(dtype)];
    return [dtype, () => inferenceMode(() => scope(() => void ops.conv2d(x, w, null, [1, 1], [1, 1])))];
  }),
);
for (const once of Object.values(work)) once();
for (let round = 0; round < rounds; round++)
  for (const [dtype, once] of Object.entries(work)) milliseconds[dtype].push(timed(once).processor * 1000);

const slower = ratios(milliseconds.bfloat16, milliseconds.float32);
const results = Object.fromEntries(
  Object.entries(milliseconds).map(([dtype, times]) => [dtype, spread(times)]),
);
printTable([
  ["a 3x3 convolution, median (quartiles)", "processor ms"],
  ...Object.entries(results).map(([dtype, times]) => [dtype, withQuartiles(times)]),
  ["bfloat16 / float32", withQuartiles(slower, 1)],
]);
save("half-precision", {
  machine: machine(),
  settings: { rounds, shape, seed, threads: 1 },
  results,
  slower,
});

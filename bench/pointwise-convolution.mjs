// Would a 1x1 convolution be faster as a matrix product? Forward and backward of both, channels-last, one thread, at sizes of the
// shipped image network and wider ones: microseconds of processor time, taken in turns, and their quotient.
// node bench/pointwise-convolution.mjs [--rounds 20] [--milliseconds 50]
import { parseArgs } from "node:util";
import { gradient, ops, randn, scope, setNumThreads } from "@disback/torch";
import { machine, positive, printTable, ratios, save, spread, timed, withQuartiles } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    rounds: { type: "string", default: "20" },
    milliseconds: { type: "string", default: "50" },
  },
});
const rounds = positive(flags, "rounds");
const seconds = positive(flags, "milliseconds") / 1e3;
/** batch, channels in, channels out, side */
const sizes = [
  [16, 32, 32, 16],
  [16, 64, 64, 8],
  [64, 32, 32, 16],
  [64, 64, 64, 8],
  [16, 128, 64, 16],
];

setNumThreads(1);
const results = Object.fromEntries(
  sizes.map(([batch, from, to, side]) => [
    `${batch} x ${from} to ${to}, ${side} x ${side}`,
    measure(batch, from, to, side),
  ]),
);
printTable([
  ["batch, channels, size", "convolution, us", "matrix product, us", "product / convolution"],
  ...Object.entries(results).map(([name, { convolution, product, quotient }]) => [
    name,
    withQuartiles(convolution, 0),
    withQuartiles(product, 0),
    withQuartiles(quotient),
  ]),
]);
save("pointwise-convolution", { machine: machine(), results });

function measure(batch, from, to, side) {
  const asLeaf = (tensor) => tensor.detach().requiresGrad_(true);
  const images = randn([batch, from, side, side]).contiguous("channels_last");
  const upstream = randn([batch, to, side, side]).contiguous("channels_last");
  const input = asLeaf(images);
  const weight = asLeaf(randn([to, from, 1, 1]).contiguous("channels_last"));
  const bias = asLeaf(randn([to]));
  const rows = asLeaf(images.permute([0, 2, 3, 1]).reshape([-1, from]));
  const matrix = asLeaf(randn([from, to]));
  const upstreamRows = upstream.permute([0, 2, 3, 1]).reshape([-1, to]);
  const convolution = () =>
    gradient([ops.conv2d(input, weight, bias, [1, 1], [0, 0], [1, 1], 1)], [input, weight, bias], {
      gradOutputs: [upstream],
    });
  const product = () =>
    gradient([ops.addmm(bias, rows, matrix)], [rows, matrix, bias], { gradOutputs: [upstreamRows] });
  const calls = Math.max(1, Math.round(seconds / timePerCall(convolution, 20)));
  const times = { convolution: [], product: [] };
  for (let round = 0; round < rounds; round++) {
    times.convolution.push(1e6 * timePerCall(convolution, calls));
    times.product.push(1e6 * timePerCall(product, calls));
  }
  return {
    convolution: spread(times.convolution),
    product: spread(times.product),
    quotient: ratios(times.product, times.convolution),
  };
}

function timePerCall(body, calls) {
  const { processor } = timed(() => {
    for (let call = 0; call < calls; call++) scope(body);
  });
  return processor / calls;
}

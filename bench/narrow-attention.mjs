// Attention of heads with fewer than 16 channels, as libtorch has it and filled up with zeros to 16 (models/attention.ts): forward and
// backward, one thread, milliseconds of processor time in turns, and their quotient.
// node bench/narrow-attention.mjs [--rounds 7]
import { parseArgs } from "node:util";
import { gradient, ops, randn, scope, setNumThreads } from "@disback/torch";
import { attention } from "../packages/disback/dist/models/attention.js";
import { machine, positive, printTable, ratios, save, spread, timed, withQuartiles } from "./report.mjs";

const { values: flags } = parseArgs({ options: { rounds: { type: "string", default: "7" } } });
const rounds = positive(flags, "rounds");
/** batch, heads, queries, keys, channels of a head */
const sizes = [
  [2, 8, 1024, 1024, 10],
  [2, 8, 1024, 77, 10],
  [2, 8, 256, 256, 8],
  [16, 4, 64, 64, 8],
  [1, 4, 1024, 1024, 4],
];

setNumThreads(1);
const results = Object.fromEntries(sizes.map((size) => [size.join(" x "), measure(...size)]));
printTable([
  ["batch x heads x queries x keys x channels", "libtorch, ms", "filled up, ms", "libtorch / filled up"],
  ...Object.entries(results).map(([name, { libtorch, filled, quotient }]) => [
    name,
    withQuartiles(libtorch),
    withQuartiles(filled),
    withQuartiles(quotient),
  ]),
]);
save("narrow-attention", { machine: machine(), results });

function measure(batch, heads, queries, keys, channels) {
  const draw = (length) => randn([batch, heads, length, channels]).requiresGrad_(true);
  const inputs = [draw(queries), draw(keys), draw(keys)];
  const upstream = randn([batch, heads, queries, channels]);
  const time = (attend) => {
    const body = () => gradient([attend(...inputs)], inputs, { gradOutputs: [upstream] });
    scope(body);
    const calls = Math.max(2, Math.round(0.1 / timed(() => scope(body)).processor));
    const { processor } = timed(() => {
      for (let call = 0; call < calls; call++) scope(body);
    });
    return (1e3 * processor) / calls;
  };
  const times = { libtorch: [], filled: [] };
  for (let round = 0; round < rounds; round++) {
    times.libtorch.push(time(ops.scaled_dot_product_attention));
    times.filled.push(time(attention));
  }
  return {
    libtorch: spread(times.libtorch),
    filled: spread(times.filled),
    quotient: ratios(times.libtorch, times.filled),
  };
}

// Microseconds per call of small operations, where the binding's own cost shows, beside Python's PyTorch: first of all
// a 4-element add, without a graph and inside one; then what a training loop calls on lists of tensors.
// node bench/overhead.mjs [--python python3] [--rounds 40] [--milliseconds 20] [--only name]
import { parseArgs } from "node:util";
import {
  Adam,
  EMA,
  GroupNorm,
  libtorchVersion,
  ModuleList,
  noGrad,
  ones,
  ops,
  scope,
  setNumThreads,
  tensor,
} from "@disback/torch";
import { PythonPeer, requireSameVersion } from "./python.mjs";
import { machine, positive, printTable, ratios, save, spread, timed, withQuartiles } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    python: { type: "string", default: "python3" },
    rounds: { type: "string", default: "40" },
    milliseconds: { type: "string", default: "20" },
    only: { type: "string", multiple: true },
  },
});
const rounds = positive(flags, "rounds");
const milliseconds = positive(flags, "milliseconds");
// A scope's end releases what it holds: about as many tensors as the forward pass of a small network makes.
const perScope = 100;
// Modules in the list whose parameters Adam and EMA work on: 96 tensors of 16 elements.
const modules = 48;

setNumThreads(1);
const a = tensor([1, 2, 3, 4]);
const b = tensor([5, 6, 7, 8]);
const leaf = tensor([1, 2, 3, 4], { requiresGrad: true });
const image = ones([1, 1, 4, 4]);
const kernel = ones([1, 1, 3, 3]);
const network = new ModuleList(Array.from({ length: modules }, () => new GroupNorm(8, 16)));
for (const parameter of network.parameters()) parameter.grad = ones([16]);
const { weight } = network.at(0);
const optimizer = new Adam(network.parameters(), { lr: 1e-4 });
const average = new EMA(network, { decay: 0.999 });

/** What is measured on both sides; the Python half has the same names. */
const cases = {
  "a + b, no graph": () => noGrad(() => inScopes(() => a.add(b))),
  "a + b, in a graph": () => inScopes(() => leaf.add(b)),
  "a + 2, no graph": () => noGrad(() => inScopes(() => a.add(2))),
  "a += b, no graph": () => noGrad(() => inScopes(() => a.add_(b))),
  "view, no graph": () => noGrad(() => inScopes(() => a.view([2, 2]))),
  "conv2d 1x1x4x4, no graph": () =>
    noGrad(() => inScopes(() => ops.conv2d(image, kernel, null, [1, 1], [1, 1], [1, 1], 1))),
  "shape of a tensor": () => inScopes(() => image.shape),
  "gradient of a parameter": () => inScopes(() => weight.grad),
  "Adam step, 96 tensors": (calls) => repeat(calls, () => optimizer.step()),
  "EMA update, 96 tensors": (calls) => repeat(calls, () => average.update()),
};

let callsPerRound = 0;
function inScopes(body) {
  for (let done = 0; done < callsPerRound; done += perScope) {
    scope(() => {
      for (let i = 0; i < perScope; i++) body();
    });
  }
}

function repeat(calls, body) {
  for (let i = 0; i < calls; i++) body();
}

const peer = new PythonPeer(flags.python, "overhead.py", 1);
const version = await requireSameVersion(peer, libtorchVersion());
const results = {};
for (const [name, body] of Object.entries(cases)) {
  if (!flags.only || flags.only.includes(name)) results[name] = await compare(name, body);
}
peer.close();

printTable([
  ["microseconds per call, median (quartiles)", "ours", `PyTorch ${version}`, "ours / PyTorch"],
  ...Object.entries(results).map(([name, { ours, python, ratio }]) => [
    name,
    withQuartiles(ours),
    withQuartiles(python),
    withQuartiles(ratio),
  ]),
]);
const settings = { rounds, milliseconds, perScope, modules, threads: 1 };
save("overhead", { machine: machine(), settings, results });

async function compare(name, body) {
  const ours = (calls) => {
    callsPerRound = calls;
    return timed(() => body(calls));
  };
  const calls = callsFor(ours);
  await peer.ask({ do: "run", name, calls });
  const microseconds = (time) => (time.processor / calls) * 1e6;
  const mine = [];
  const theirs = [];
  for (let round = 0; round < rounds; round++) {
    mine.push(microseconds(ours(calls)));
    theirs.push(microseconds(await peer.ask({ do: "run", name, calls })));
  }
  return { callsPerRound: calls, ours: spread(mine), python: spread(theirs), ratio: ratios(mine, theirs) };
}

/** How many calls, whole scopes, take about the wanted time of a round, once compiled. */
function callsFor(ours) {
  let calls = perScope;
  for (let spent = 0; spent < 0.2; ) {
    const { processor } = ours(calls);
    spent += processor;
    const factor = Math.min(milliseconds / 1000 / Math.max(processor, 1e-5), 10);
    calls = Math.ceil((calls * factor) / perScope) * perScope;
  }
  return calls;
}

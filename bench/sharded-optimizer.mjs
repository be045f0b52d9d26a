// Memory of the optimizer in each of some processes, with Adam's moments in all of them and sharded.
// node bench/sharded-optimizer.mjs [--processes 2] [--width 1024] [--layers 12]
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  Adam,
  Generator,
  Linear,
  memoryStatistics,
  ProcessGroup,
  randn,
  Sequential,
  ShardedAdam,
  setNumThreads,
} from "@disback/torch";
import { machine, positive, printTable, save } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    processes: { type: "string", default: "2" },
    width: { type: "string", default: "1024" },
    layers: { type: "string", default: "12" },
  },
});
const [processes, width, layers] = ["processes", "width", "layers"].map((name) => positive(flags, name));
if (process.env.RANK === undefined) await compare();
else member();

/** Live bytes that the optimizer's first step has added, gradients not counted. */
function member() {
  setNumThreads(1);
  const group = ProcessGroup.fromEnvironment();
  const random = new Generator(0);
  const parameters = new Sequential(
    ...Array.from({ length: layers }, () => new Linear(width, width, { generator: random })),
  ).parameters();
  for (const parameter of parameters) parameter.grad = randn(parameter.shape, { generator: random });
  const before = memoryStatistics().live;
  const adam = process.env.SHARDED ? new ShardedAdam(group, parameters) : new Adam(parameters);
  adam.step();
  const bytes = memoryStatistics().live - before;
  group.barrier();
  console.log(JSON.stringify({ bytes, weights: 4 * parameters.reduce((sum, { numel }) => sum + numel, 0) }));
}

async function compare() {
  const results = { whole: await group({}), sharded: await group({ SHARDED: "1" }) };
  const mebibytes = (bytes) => (bytes / 2 ** 20).toFixed(1);
  printTable([
    ["optimizer, MiB in each process", ...results.whole.map((_, rank) => `rank ${rank}`)],
    ...Object.entries(results).map(([name, all]) => [name, ...all.map(({ bytes }) => mebibytes(bytes))]),
    ["weights", ...results.whole.map(({ weights }) => mebibytes(weights))],
  ]);
  save("sharded-optimizer", { machine: machine(), settings: { processes, width, layers, seed: 0 }, results });
}

async function group(environment) {
  const port = String(await freePort());
  return Promise.all(
    Array.from({ length: processes }, (_, rank) => {
      const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
        env: {
          ...{ ...process.env, ...environment, RANK: String(rank), WORLD_SIZE: String(processes) },
          ...{ MASTER_ADDR: "127.0.0.1", MASTER_PORT: port },
        },
        stdio: ["ignore", "pipe", "inherit"],
      });
      let out = "";
      child.stdout.on("data", (text) => (out += text));
      return new Promise((resolve) => child.once("close", () => resolve(JSON.parse(out))));
    }),
  );
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// How two processes with one thread each compare with one on this machine: the same batch (strong scaling) and a batch
// per process (weak scaling), taken alternately.
// node bench/scaling.mjs [--batch 64] [--rounds 5] [--steps 5]
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { machine, positive, printTable, quantile, ratios, save, spread, withQuartiles } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    batch: { type: "string", default: "64" },
    rounds: { type: "string", default: "5" },
    steps: { type: "string", default: "5" },
  },
});
const batch = positive(flags, "batch");
const rounds = positive(flags, "rounds");
const steps = positive(flags, "steps");
const member = fileURLToPath(new URL("scaling/member.mjs", import.meta.url));

const cases = {
  one: { processes: 1, batch },
  strong: { processes: 2, batch },
  weak: { processes: 2, batch: 2 * batch },
};
const samples = Object.fromEntries(Object.keys(cases).map((name) => [name, { wall: [], processor: [] }]));
let parameters = 0;
const loads = [];
for (let round = 0; round < rounds; round++) {
  loads.push(machine().load);
  for (const [name, one] of Object.entries(cases)) {
    const told = await measure(one);
    samples[name].wall.push(quantile(told.wall, 0.5));
    samples[name].processor.push(quantile(told.processor, 0.5));
    parameters = told.parameters;
  }
}
const speedUp = ratios(samples.one.wall, samples.strong.wall);
const weakSpeedUp = ratios(
  samples.one.wall.map((seconds) => 2 * seconds),
  samples.weak.wall,
);
const results = {
  parameters,
  seconds: Object.fromEntries(Object.entries(samples).map(([name, { wall }]) => [name, spread(wall)])),
  processorSeconds: Object.fromEntries(
    Object.entries(samples).map(([name, { processor }]) => [name, spread(processor)]),
  ),
  speedUp: { strong: speedUp, weak: weakSpeedUp },
  loads,
};
printTable([
  ["a step", "batch", "seconds", "processor seconds of rank 0", "images/s over one process"],
  ["1 process", String(batch), ...times("one"), ""],
  ["2 processes", String(batch), ...times("strong"), withQuartiles(speedUp)],
  ["2 processes", String(2 * batch), ...times("weak"), withQuartiles(weakSpeedUp)],
]);
save("scaling", { machine: machine(), settings: { batch, rounds, steps, seed: 0, threads: 1 }, results });

function times(name) {
  return [withQuartiles(results.seconds[name]), withQuartiles(results.processorSeconds[name])];
}

async function measure({ processes, batch: size }) {
  const port = String(await freePort());
  const told = await Promise.all(
    Array.from({ length: processes }, (_, rank) => {
      const group = {
        RANK: String(rank),
        WORLD_SIZE: String(processes),
        MASTER_ADDR: "127.0.0.1",
        MASTER_PORT: port,
      };
      return run({ OMP_NUM_THREADS: "1", ...(processes > 1 ? group : {}) }, [size, steps, 2]);
    }),
  );
  return told[0];
}

function run(environment, words) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [member, ...words.map(String)], {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let out = "";
    child.stdout.on("data", (text) => (out += text));
    child.once("close", (code) =>
      code === 0 ? resolve(out && JSON.parse(out)) : reject(new Error(`a process ended with ${code}`)),
    );
  });
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

// Training steps a second, on a quiet machine and beside other work, by how long libgomp's threads spin before they sleep.
// node bench/threads.mjs [--threads CORES] [--busy CORES] [--seconds 10] [--rounds 3] [--batch 16]
// `--busy`: processes of other work. The default of @disback/torch is a spin count of 30,000, libgomp's is 300,000.
import { spawn, spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { machine, positive, printTable, save, spread } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    threads: { type: "string", default: String(availableParallelism()) },
    busy: { type: "string", default: String(availableParallelism()) },
    seconds: { type: "string", default: "10" },
    rounds: { type: "string", default: "3" },
    batch: { type: "string", default: "16" },
    member: { type: "boolean", default: false },
  },
});
const [threads, busy, seconds, rounds, batch] = ["threads", "busy", "seconds", "rounds", "batch"].map(
  (name) => positive(flags, name),
);

const settings = {
  "libgomp's default (300,000)": { GOMP_SPINCOUNT: "300000" },
  "30,000 (ours)": { GOMP_SPINCOUNT: "30000" },
  "3,000": { GOMP_SPINCOUNT: "3000" },
  "OMP_WAIT_POLICY=PASSIVE": { OMP_WAIT_POLICY: "PASSIVE" },
};

if (flags.member) await member();
else compare();

/** One process: trains the shipped network for a while and prints steps a second. */
async function member() {
  const { Adam, randn, scope, setNumThreads, full } = await import("@disback/torch");
  const { loadModel } = await import("disback/models");
  setNumThreads(threads);
  const folder = fileURLToPath(
    new URL("../packages/disback/assets/teachers/fashion-mnist-16", import.meta.url),
  );
  const { denoiser } = loadModel(folder);
  const optimizer = new Adam(denoiser.parameters(), { lr: 0 });
  const step = () =>
    scope(() => {
      optimizer.zeroGrad();
      denoiser
        .denoise(randn([batch, 1, 16, 16]), full([batch], 1))
        .square()
        .mean()
        .backward();
      optimizer.step();
    });
  for (let warmUp = 0; warmUp < 5; warmUp++) step();
  const start = performance.now();
  let steps = 0;
  while (performance.now() - start < seconds * 1000) {
    step();
    steps++;
  }
  console.log((steps * 1000) / (performance.now() - start));
}

/** All settings in turn, `rounds` times, so that each meets the same weather. */
function compare() {
  const none = () => Object.fromEntries(Object.keys(settings).map((name) => [name, []]));
  const rates = { quiet: none(), busy: none() };
  for (let round = 0; round < rounds; round++) {
    for (const [surroundings, workers] of [
      ["quiet", 0],
      ["busy", busy],
    ]) {
      const others = Array.from({ length: workers }, () =>
        spawn(process.execPath, ["--eval", "for (;;);"], { stdio: "ignore" }),
      );
      for (const [name, variables] of Object.entries(settings))
        rates[surroundings][name].push(measure(variables));
      for (const other of others) other.kill();
    }
  }
  const found = Object.keys(settings).map((name) => [
    name,
    ...["quiet", "busy"].map((surroundings) => spread(rates[surroundings][name])),
  ]);
  printTable([
    ["threads spin for", "steps/s, quiet", `steps/s, ${busy} busy processes`],
    ...found.map(([name, ...columns]) => [name, ...columns.map(({ median }) => median.toFixed(2))]),
  ]);
  save(`threads-${threads}`, {
    machine: machine(),
    settings: { threads, busy, seconds, rounds, batch },
    rates,
  });
}

function measure(variables) {
  const { GOMP_SPINCOUNT: _, OMP_WAIT_POLICY: __, ...rest } = process.env;
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [fileURLToPath(import.meta.url), "--member", ...process.argv.slice(2)],
    { encoding: "utf8", env: { ...rest, ...variables } },
  );
  if (status !== 0) throw new Error(stderr);
  return Number(stdout);
}

// Students that imitate some of the teacher's samples before the objective (the default), and the same without: FID, for
// points the sliced Wasserstein distance, over processor time, all of it counted. docs/study.md tells what came out.
//   node bench/samples-first.mjs [--cases "Fashion-MNIST, copy;CIFAR-10, copy"] [--seeds 1,2,3] [--smoke]
// Every run is done by the command line and kept in bench/samples-first/work; a stopped measurement goes on where it was.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { machine, printTable, quantile, save } from "./report.mjs";
import { drawCurves } from "./tasks/curves.mjs";

const { values: flags } = parseArgs({
  options: {
    cases: { type: "string" },
    seeds: { type: "string", default: "1,2,3" },
    /** every step of the way, in seconds; its figures mean nothing */
    smoke: { type: "boolean", default: false },
  },
});
const program = fileURLToPath(new URL("../packages/disback/dist/cli/main.js", import.meta.url));
const work = fileURLToPath(new URL(`samples-first/work/${flags.smoke ? "smoke" : "full"}/`, import.meta.url));
if (flags.smoke) rmSync(work, { recursive: true, force: true });
mkdirSync(work, { recursive: true });
/** Batches of 64, rates 5e-4 and 1e-3; FID of 2,000 and of 1,000 samples. Seconds of the objective's steps. */
const fashion = { preset: "demo", every: 15, samples: 2000 };
const copy = { "the objective alone": ["imitation.steps=0"], "samples, then the objective": [] };
const points = {
  preset: "2d",
  every: 25,
  samples: 4000,
  levels: [0.3, 0.2, 0.1, 0.085],
  figure: "slicedWasserstein",
};
const cases = {
  "eight Gaussians, copy": { ...points, more: ["backtracking.iterations=300"], methods: copy },
  "eight Gaussians, untrained": {
    ...{ ...points, more: ["backtracking.iterations=300"] },
    methods: {
      "a step, then the objective": ["student=untrained", "imitation.of=step"],
      "a step, samples, then the objective": ["student=untrained"],
    },
  },
  "Fashion-MNIST, copy": { ...fashion, seconds: 45, levels: [20, 15, 10, 8], methods: copy },
  "Fashion-MNIST, a quarter of the size": {
    ...{ ...fashion, seconds: 35, levels: [150, 100, 80, 60] },
    methods: {
      "a step, then the objective": ["student=small", "imitation.of=step"],
      "a step, samples, then the objective": ["student=small"],
    },
  },
  "CIFAR-10, copy": {
    ...{
      preset: "cifar10-16",
      every: 15,
      samples: 1000,
      seconds: 60,
      levels: [50, 45, 40, 35],
      methods: copy,
    },
  },
};
const chosen = flags.cases?.split(";") ?? Object.keys(cases);

const rows = [];
for (const name of chosen) {
  for (const seed of flags.seeds.split(",").map(Number))
    for (const [method, settings] of Object.entries(cases[name].methods)) {
      const folder = join(work, `${name} ${method} ${seed}`.replace(/\W+/g, "-"));
      run(cases[name], settings, folder, seed);
      rows.push({ case: name, method, seed, curve: curveOf(folder, cases[name].figure) });
    }
  print(name);
}
if (!flags.smoke) {
  save("samples-first", { machine: machine(), cases, rows });
  for (const [place, name] of Object.keys(cases).entries())
    drawCurves(`samples-first-${place + 1}.svg`, {
      panels: [{ title: name, figure: "value", logarithmic: true }],
      rows: rows.filter((row) => row.case === name),
      x: "seconds",
      xName: "processor seconds",
    });
}

/** Starts a run, or goes on with it; does nothing if it is finished. */
function run({ preset, seconds, every, samples, more = [] }, settings, folder, seed) {
  const record = join(folder, "run.json");
  const state = existsSync(record) ? JSON.parse(readFileSync(record, "utf8")).state : undefined;
  if (state === "finished") return;
  const amounts = flags.smoke
    ? ["backtracking.processorSeconds=0.5", "evaluation.samples=20", "imitation.pairs.count=8"]
    : [
        ...(seconds ? [`backtracking.processorSeconds=${seconds}`] : []),
        `evaluation.samples=${samples}`,
        ...more,
      ];
  const begin = [
    ...["distill", "--preset", preset, "--seed", String(seed), "--threads", "1", "--out", folder, "--force"],
    ...["--set", "evaluation.teacher=false", `evaluation.every=${every}`, ...amounts, ...settings],
  ];
  const given = state === undefined ? begin : ["resume", folder];
  const { status } = spawnSync(process.execPath, [program, ...given], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (status !== 0) process.exit(1);
}

/** FID over the processor seconds of all stages. */
function curveOf(folder, figure = "fid") {
  const lines = readFileSync(join(folder, "metrics.jsonl"), "utf8").trim().split("\n");
  const spent = {};
  return lines.map(JSON.parse).flatMap(({ stage, iteration, processorSeconds = 0, [figure]: value }) => {
    spent[stage] = processorSeconds;
    const seconds = Object.values(spent).reduce((sum, one) => sum + one, 0);
    return value === undefined ? [] : [{ stage, iteration, seconds, value }];
  });
}

/** When a curve first comes to a level, between its points by a straight line in the logarithm; Infinity for never. */
function timeTo(level, curve) {
  const index = curve.findIndex(({ value }) => value <= level);
  if (index < 1) return index < 0 ? Number.POSITIVE_INFINITY : 0;
  const [before, after] = [curve[index - 1], curve[index]];
  const share = Math.log(before.value / level) / Math.log(before.value / after.value);
  return before.seconds + share * (after.seconds - before.seconds);
}

/** Seconds to each level: medians of the seeds, lowest and highest. */
function print(name) {
  const { levels, methods } = cases[name];
  const shown = (times) =>
    [quantile(times, 0.5), Math.min(...times), Math.max(...times)].map((time) =>
      Number.isFinite(time) ? time.toFixed(1) : "never",
    );
  printTable([
    [name, ...levels.map((level) => `seconds to ${level}`), "end"],
    ...Object.keys(methods).map((method) => {
      const curves = rows
        .filter((row) => row.case === name && row.method === method)
        .map(({ curve }) => curve);
      const cells = levels.map((level) => shown(curves.map((curve) => timeTo(level, curve))));
      return [
        method,
        ...cells.map(([median, low, high]) => `${median} (${low} to ${high})`),
        curves.map((curve) => Number(curve.at(-1).value.toPrecision(3))).join(", "),
      ];
    }),
  ]);
}

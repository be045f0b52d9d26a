// Students that are no denoisers, GANs and autoencoders as teachers: with and without a trajectory. docs/generators.md
// tells what came out. Each part and seed is one run of minutes; results are gathered in bench/results/generators.json.
//
//   node bench/generators.mjs --part gaussians|fashion|faces|denoiser|autoencoder [--seed 1] [--only ROWS] [--iterations N]
//     [--seconds S] [--smoke] [--work FOLDER]
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setNumThreads } from "@disback/torch";
import { machine, save } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    part: { type: "string" },
    /** rows of the part: "student:method", several with ";" */
    only: { type: "string" },
    /** steps of the students; each part has its own number */
    iterations: { type: "string" },
    /** processor time of each student, a recording counted, in place of steps: for comparing methods that cost differently */
    seconds: { type: "string" },
    seed: { type: "string", default: "1" },
    /** every step of the way with tiny sizes, in seconds; its figures mean nothing */
    smoke: { type: "boolean", default: false },
    /** folder for trajectories and what is downloaded */
    work: { type: "string", default: fileURLToPath(new URL("generators/work/", import.meta.url)) },
    python: { type: "string", default: "python3" },
  },
});
const parts = ["gaussians", "fashion", "faces", "denoiser", "autoencoder"];
if (!parts.includes(flags.part)) throw new Error(`--part: ${flags.part} is none of ${parts.join(", ")}`);
setNumThreads(1);
mkdirSync(flags.work, { recursive: true });

const { measure } = await import(`./generators/${flags.part}.mjs`);
const smoke = flags.smoke;
const { only, python } = flags;
const [iterations, seconds] = [flags.iterations, flags.seconds].map((value) => value && Number(value));
const options = { seed: Number(flags.seed), smoke, only: only?.split(";"), iterations, seconds, python };
const name = smoke ? "generators-smoke" : "generators";
const file = new URL(`results/${name}.json`, import.meta.url);
// Each row is saved when it is there: a run may be stopped.
for await (const row of measure({ ...options, work: join(flags.work, smoke ? "smoke" : "full") })) {
  if (seconds) row.seconds = seconds;
  row.processor = machine().processor;
  const { curve: _, ...shown } = row;
  console.log(JSON.stringify(shown));
  const others = readBefore().filter((before) => keyOf(before) !== keyOf(row));
  save(name, {
    machine: machine(),
    time: "cpuSeconds are this process's processor time, one thread; other work ran on the machine",
    rows: [...others, row].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
  });
}

function keyOf({ part, student, method, seed, iterations = "", seconds = "" }) {
  return [part, student, method, seed, seconds || iterations].join(" ");
}

function readBefore() {
  try {
    return JSON.parse(readFileSync(file, "utf8")).rows;
  } catch {
    return [];
  }
}

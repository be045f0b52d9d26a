#!/usr/bin/env node
// Trains what the preset `tasks` distils, and puts it into this package: teachers of grid and moons beside the shipped one of the
// ring, joined to one teacher, weights as float16. A run that was stopped is continued.
//
//   node scripts/ship-tasks.mjs [--runs runs/tasks]
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadTasks, saveTasks } from "disback/models";

const { values } = parseArgs({ options: { runs: { type: "string", default: "runs/tasks" } } });
const { runs } = values;
mkdirSync(runs, { recursive: true });
for (const name of ["grid", "moons"]) {
  const run = join(runs, name);
  if (!existsSync(join(run, "run.json")))
    disback("teacher", "train", "--preset", "2d", "--data", `toy:${name}`, "--threads", "1", "--out", run);
  else if (JSON.parse(readFileSync(join(run, "run.json"), "utf8")).state !== "finished")
    disback("resume", run);
}
const joined = join(runs, "joined");
const sources = ["ring=2d-ring", `grid=${join(runs, "grid")}`, `moons=${join(runs, "moons")}`];
disback("teacher", "join", ...sources, "--out", joined, "--force");

const folder = fileURLToPath(new URL("../assets/teachers/2d-tasks", import.meta.url));
const { denoiser, tasks } = loadTasks(joined);
saveTasks(folder, denoiser, tasks, { precision: "f16" });
const figures = tasks.map(({ name }) => {
  const judged = ["--label", name, "--data", `toy:${name}`, "--count", "10000", "--threads", "1", "--json"];
  return [name, JSON.parse(disback("evaluate", folder, ...judged)).slicedWasserstein];
});
const bytes = statSync(join(folder, "model.safetensors")).size;
writeFileSync(
  join(folder, "README.md"),
  `# 2d-tasks

Three diffusion models (EDM) of points of the plane as one teacher of several tasks: a ring and a grid of Gaussians, and two
moons. They were trained with this project's own code. The preset \`tasks\` distils them.

| task | sliced Wasserstein distance |
| ---- | --------------------------- |
${figures.map(([name, distance]) => `| ${name} | ${distance.toFixed(4)} |`).join("\n")}

10,000 samples, 18 Heun steps, compared with the training data.

The ring's is \`2d-ring\`, the others are trained as it was, by \`disback teacher train --preset 2d --data toy:grid\` and
\`toy:moons\`. \`model.safetensors\`: ${(bytes / 1e6).toFixed(1)} MB, float16. \`node packages/disback/scripts/ship-tasks.mjs\` makes all of it.
`,
);

/** Runs the command; progress goes to the terminal. Returns what it printed. */
function disback(...given) {
  const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
  const stdio = ["ignore", "pipe", "inherit"];
  const { status, stdout } = spawnSync(process.execPath, [main, ...given], { encoding: "utf8", stdio });
  if (status !== 0) throw new Error(`disback ${given.slice(0, 2).join(" ")}: stopped with ${status}`);
  return stdout;
}

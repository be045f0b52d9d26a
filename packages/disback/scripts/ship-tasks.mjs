#!/usr/bin/env node
// Puts what the preset `tasks` distils into this package: the shipped teacher of the ring and those of grid and moons that
// bench/tasks-points.mjs trained, joined to one, weights as float16.
//
//   node scripts/ship-tasks.mjs --from ../../bench/tasks/work/tasks-points-full
import { spawnSync } from "node:child_process";
import { mkdtempSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadTasks, saveTasks } from "disback/models";

const { values } = parseArgs({
  options: {
    from: {
      type: "string",
      default: fileURLToPath(new URL("../../../bench/tasks/work/tasks-points-full", import.meta.url)),
    },
  },
});
const joined = join(mkdtempSync(join(tmpdir(), "disback-tasks-")), "joined");
const trained = ["grid", "moons"].map((name) => `${name}=${join(values.from, `teacher-${name}`)}`);
disback("teacher", "join", "ring=2d-ring", ...trained, "--out", joined);

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

The ring's is \`2d-ring\`; the others started with its weights and learned 600 steps of 256 points (\`node bench/tasks-points.mjs\`).
\`model.safetensors\`: ${(bytes / 1e6).toFixed(1)} MB, float16. \`node packages/disback/scripts/ship-tasks.mjs\` put it here.
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

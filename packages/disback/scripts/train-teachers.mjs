#!/usr/bin/env node
// Trains the teachers that come with the package and describes each in a model card.
//
//   node scripts/train-teachers.mjs --data /usr/share/datasets/fashion-mnist
//   node scripts/train-teachers.mjs --only 2d-ring
//   node scripts/train-teachers.mjs --only cifar10-16 --data cifar10-jpg.tar.gz
//   node scripts/train-teachers.mjs --only fashion-mnist-16 --data … --runs /tmp/teachers --threads 2
//
// Each teacher is one run of `disback teacher train --preset NAME` in <runs>/NAME. A run that was stopped is continued,
// one that is finished is only described again. Writes <out>/NAME/: model.safetensors, config.json, grid.png (scatter
// plot for points) and README.md; <out> is this package's assets/teachers unless --out is given.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { modelCard } from "./model-card.mjs";

/** Preset, and the samples its figures are measured on. */
const TEACHERS = {
  "2d-ring": { preset: "2d", count: 10_000, grid: 4000 },
  "fashion-mnist-16": { preset: "fashion-mnist-16", count: 5000, grid: 100 },
  "fashion-mnist-32": { preset: "fashion-mnist-32", count: 1000, grid: 100 },
  "cifar10-16": { preset: "cifar10-16", count: 2000, grid: 100 },
};
const STEPS = "18";

const { values } = parseArgs({
  options: {
    data: { type: "string" },
    only: { type: "string" },
    runs: { type: "string", default: "runs/teachers" },
    out: { type: "string", default: fileURLToPath(new URL("../assets/teachers", import.meta.url)) },
    threads: { type: "string", default: "1" },
  },
});
const names = values.only ? [values.only] : Object.keys(TEACHERS);
for (const name of names) {
  if (!TEACHERS[name]) fail(`--only ${name}: not one of ${Object.keys(TEACHERS).join(", ")}`);
  if (name !== "2d-ring" && !values.data) fail(`--data is missing: the images of ${name}`);
}
for (const name of names) {
  train(name);
  publish(name);
}

function train(name) {
  const run = join(values.runs, name);
  if (!existsSync(join(run, "run.json"))) {
    const data = name === "2d-ring" ? [] : ["--data", values.data];
    disback([
      "teacher",
      "train",
      "--preset",
      TEACHERS[name].preset,
      ...data,
      "--threads",
      values.threads,
      "--out",
      run,
    ]);
  } else if (readJson(join(run, "run.json")).state !== "finished") {
    disback(["resume", run]);
  }
}

function publish(name) {
  const run = join(values.runs, name);
  const folder = join(values.out, name);
  mkdirSync(folder, { recursive: true });
  for (const file of ["model.safetensors", "config.json"]) {
    copyFileSync(join(run, "teacher", file), join(folder, file));
  }
  const { count, grid } = TEACHERS[name];
  const record = readJson(join(run, "run.json"));
  const { data } = record.settings;
  const measured = disback([
    ...["evaluate", folder, "--steps", STEPS, "--count", String(count), "--data", data],
    ...["--threads", values.threads, "--json"],
  ]);
  const picture = join(folder, "grid.png");
  disback([
    ...["sample", folder, "--steps", STEPS, "--count", String(grid), "--columns", "10"],
    ...["--threads", values.threads, "--out", picture, "--force"],
  ]);
  const card = modelCard({
    name,
    record,
    config: readJson(join(folder, "config.json")),
    history: readFileSync(join(run, "metrics.jsonl"), "utf8").trim().split("\n").map(JSON.parse),
    figures: JSON.parse(measured),
    bytes: statSync(join(folder, "model.safetensors")).size,
    steps: STEPS,
  });
  writeFileSync(join(folder, "README.md"), card);
  console.error(`${folder}: done`);
}

/** Runs the command; progress goes to the terminal. Returns what it printed. */
function disback(args) {
  const main = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
  const { status, stdout } = spawnSync(process.execPath, [main, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) fail(`disback ${args.join(" ")}: stopped with ${status}`);
  return stdout;
}

function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}

function fail(line) {
  console.error(line);
  process.exit(1);
}

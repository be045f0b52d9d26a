// What every measurement here shares: statistics, facts about the machine, a printed table and a JSON file.
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { libtorchVersion, synchronize } from "@disback/torch";

/** The value below which a `fraction` of the numbers lies, between neighbours by interpolation. */
export function quantile(numbers, fraction) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const position = (sorted.length - 1) * fraction;
  const below = Math.floor(position);
  const next = sorted[Math.min(below + 1, sorted.length - 1)];
  return sorted[below] + (next - sorted[below]) * (position - below);
}

/** Median, quartiles and extremes of a list of numbers. */
export function spread(numbers) {
  const [lowest, lowerQuartile, median, upperQuartile, highest] = [0, 0.25, 0.5, 0.75, 1].map((fraction) =>
    quantile(numbers, fraction),
  );
  return { median, lowerQuartile, upperQuartile, lowest, highest, rounds: numbers.length };
}

/** Round by round `ours / theirs`: other work on the machine slows both sides of a round. */
export function ratios(ours, theirs) {
  return spread(ours.map((value, round) => value / theirs[round]));
}

/** Where and when a figure was measured. `load` tells whether other work ran beside it. */
export function machine() {
  return {
    date: new Date().toISOString(),
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    load: Number(loadavg()[0].toFixed(1)),
    system: `${process.platform} ${process.arch}`,
    node: process.version,
    libtorch: libtorchVersion(),
  };
}

/** A flag's value as a number above 0. @throws Error naming the flag */
export function positive(flags, name) {
  const value = Number(flags[name]);
  if (value > 0) return value;
  throw new Error(`--${name} must be a number above 0, not ${flags[name]}`);
}

/** Writes results/<name>.json and says where. */
export function save(name, document) {
  const folder = new URL("results/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  const file = new URL(`${name}.json`, folder);
  writeFileSync(file, `${JSON.stringify(document, null, 2)}\n`);
  console.log(`\n${describe(document.machine)}\n${fileURLToPath(file)}`);
}

function describe({ processor, cores, load, node, libtorch, date }) {
  return `${processor}, ${cores} cores, load ${load}, Node ${node}, libtorch ${libtorch}, ${date}`;
}

/** A median with its quartiles, such as "1.03 (0.99 to 1.08)". */
export function withQuartiles({ median, lowerQuartile, upperQuartile }, digits = 2) {
  const [m, l, u] = [median, lowerQuartile, upperQuartile].map((value) => value.toFixed(digits));
  return `${m} (${l} to ${u})`;
}

/** Prints rows of cells, the first row as the heading. */
export function printTable(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  rows.forEach((row, index) => {
    console.log(row.map((cell, column) => String(cell).padEnd(widths[column])).join("  "));
    if (index === 0) console.log(widths.map((width) => "-".repeat(width)).join("  "));
  });
}

/**
 * Runs `body` and gives its wall-clock and processor seconds, this process's threads together, and what a GPU still has
 * to do.
 */
export function timed(body, device = "cpu") {
  synchronize(device);
  const wall = process.hrtime.bigint();
  const before = process.cpuUsage();
  body();
  synchronize(device);
  const { user, system } = process.cpuUsage(before);
  return { wall: Number(process.hrtime.bigint() - wall) / 1e9, processor: (user + system) / 1e6 };
}

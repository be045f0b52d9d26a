// Wall-clock seconds until commands answer: least and median of several calls.
// node bench/start-up.mjs [--calls 10]
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { machine, positive, printTable, save, spread } from "./report.mjs";

const { values: flags } = parseArgs({ options: { calls: { type: "string", default: "10" } } });
const calls = positive(flags, "calls");
const program = fileURLToPath(new URL("../packages/disback/bin/disback.js", import.meta.url));
const temporary = mkdtempSync(join(tmpdir(), "start-up-"));
const commands = {
  "node alone": ["--eval", ""],
  "disback --help": [program, "--help"],
  "disback distill --help": [program, "distill", "--help"],
  "@disback/torch loaded": ["--input-type=module", "--eval", 'await import("@disback/torch")'],
  "disback doctor": [program, "doctor"],
  "disback sample 2d-ring": [
    ...[program, "sample", "2d-ring", "--count", "10", "--quiet", "--force"],
    ...["--out", join(temporary, "samples.png")],
  ],
};

const seconds = Object.fromEntries(
  Object.entries(commands).map(([name, words]) => [
    name,
    spread(Array.from({ length: calls }, () => time(words))),
  ]),
);
rmSync(temporary, { recursive: true });
printTable([
  ["command", "s, least", "s, median"],
  ...Object.entries(seconds).map(([name, { lowest, median }]) => [
    name,
    lowest.toFixed(2),
    median.toFixed(2),
  ]),
]);
save("start-up", { machine: machine(), settings: { calls }, seconds });

function time(words) {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
  return (performance.now() - start) / 1000;
}

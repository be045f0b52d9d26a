// Hostile and broken input for every parser, ours and of libraries, and for the native addon.
// node bench/fuzz.mjs [--count 10000] [--only NAME[,NAME]] [--seed 1] [--from 0] [--guard] [--save NAME]
// An input depends on seed, target and number alone: --from N --count 1 repeats one. --guard puts a forbidden page
// behind every tensor of the target `operators`. Targets that are left out keep their earlier results.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runTarget } from "./fuzz/supervisor.mjs";
import { targetNames } from "./fuzz/targets.mjs";
import { machine, printTable, save } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    count: { type: "string", default: "10000" },
    only: { type: "string" },
    seed: { type: "string", default: "1" },
    from: { type: "string", default: "0" },
    guard: { type: "boolean", default: false },
    save: { type: "string", default: "fuzz" },
  },
});
/** An input of `workers` takes several threads through some hundred steps each. */
const inputsPerScene = 400;

const names = flags.only?.split(",") ?? targetNames;
const unknown = names.find((name) => !targetNames.includes(name));
if (unknown) throw new Error(`no target ${unknown}; there are: ${targetNames.join(", ")}`);
const [count, seed, first] = [flags.count, flags.seed, flags.from].map(Number);
// In memory where the system has such a folder, because millions of small files are written.
const scratch = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const folder = mkdtempSync(join(scratch, "disback-fuzz-"));
const guard = flags.guard ? buildGuard() : undefined;

const results = earlierResults();
for (const name of names) {
  const began = performance.now();
  const { sum, findings } = await runTarget(name, {
    seed,
    first,
    count: name === "workers" ? Math.ceil(count / inputsPerScene) : count,
    batch: 10_000,
    folder: join(folder, name),
    guard: name === "operators" ? guard : undefined,
    onFinding: (finding) => tell(finding, join(folder, name, "input")),
  });
  const seconds = Math.round((performance.now() - began) / 1000);
  results[name] = {
    date: new Date().toISOString(),
    seed,
    first,
    guard: flags.guard,
    ...sum,
    seconds,
    findings,
  };
  rmSync(join(folder, name), { recursive: true, force: true });
  save(flags.save, { machine: machine(), results });
}
rmSync(folder, { recursive: true, force: true });
printTable([
  ["target", "inputs", "accepted", "refused", "slowest ms", "most MB", "findings"],
  ...names.map((name) => {
    const { inputs, accepted, refused, slowestMs, mostBytes, findings } = results[name];
    return [
      name,
      inputs,
      accepted,
      refused,
      Math.round(slowestMs),
      Math.round(mostBytes / 2 ** 20),
      findings.length,
    ];
  }),
]);
if (names.some((name) => results[name].findings.length > 0)) process.exitCode = 1;

/** Says what was found; files that a process died of are kept. */
function tell(finding, input) {
  console.error(JSON.stringify(finding));
  if (!existsSync(input) || finding.kind === "error") return;
  const kept = join(mkdtempSync(join(tmpdir(), "disback-fuzz-found-")), `${finding.target}-${finding.index}`);
  cpSync(input, kept, { recursive: true });
  console.error(`kept: ${kept}`);
}

function earlierResults() {
  const file = new URL(`results/${flags.save}.json`, import.meta.url);
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).results : {};
}

function buildGuard() {
  const library = join(folder, "guard.so");
  const source = fileURLToPath(new URL("fuzz/guard.c", import.meta.url));
  execFileSync(process.env.CC ?? "cc", ["-shared", "-fPIC", "-O2", "-o", library, source, "-ldl"]);
  return library;
}

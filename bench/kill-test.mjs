// Kills every long command at random moments with SIGKILL, also in the middle of writing, continues it, and compares
// the result with an uninterrupted run's, bit for bit.
//
//   node bench/kill-test.mjs [--kills 110] [--seed 1] [--only "distill,compare"] [--jobs 1] [--no-save]
//
// With --only, the other commands' figures of earlier runs stay in results/kill-test.json.
// Exits with 1 if a command did not resume after a kill, or its result differs.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { fingerprint, killCases, leftovers } from "./kill-test/cases.mjs";
import { childrenOf, finish, runAndKill } from "./kill-test/killer.mjs";
import { machine, positive, printTable, save } from "./report.mjs";

const { values: flags } = parseArgs({
  options: {
    kills: { type: "string", default: "110" },
    seed: { type: "string", default: "1" },
    only: { type: "string" },
    jobs: { type: "string", default: "1" },
    "no-save": { type: "boolean", default: false },
  },
});
const kills = positive(flags, "kills");
const seed = positive(flags, "seed");
/** After so many kills a run may end, so that many runs are tested. */
const KILLS_PER_RUN = 8;

const base = mkdtempSync(join(tmpdir(), "disback-kill-test-"));
try {
  const { teacher, trajectory } = await prepare();
  const cases = Object.entries(killCases(teacher, trajectory)).filter(
    ([name]) => !flags.only || flags.only.split(",").includes(name),
  );
  const waiting = cases.map(([name, one], index) => ({ name, one, index }));
  const results = [];
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { name, one, index } = next;
      const quota =
        Math.floor((kills * (index + 1)) / cases.length) - Math.floor((kills * index) / cases.length);
      results[index] = await killOften(name, one, quota, generator(seed + index));
    }
  };
  await Promise.all(Array.from({ length: positive(flags, "jobs") }, worker));
  report(results);
} finally {
  // Runs of a killed comparison may still be ending when the test fails.
  rmSync(base, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
}

/** A teacher of a few steps and a trajectory from it. */
async function prepare() {
  const teacher = join(base, "teacher");
  const trajectory = join(base, "trajectory");
  const cases = killCases(join(teacher, "teacher"), trajectory);
  await finish([...cases["teacher train"].flags, "--out", teacher]);
  await finish([...cases.record.flags, "--out", trajectory]);
  return { teacher: join(teacher, "teacher"), trajectory };
}

async function killOften(name, { flags: command, repeats = false }, quota, random) {
  const whole = join(base, `${name}-whole`);
  const start = performance.now();
  await finish([...command, "--out", whole]);
  const seconds = (performance.now() - start) / 1000;
  const expected = fingerprint(whole);
  const count = { kills: 0, writing: 0, startingUp: 0, runs: 0, sessions: 0, damaged: 0, differing: 0 };
  while (count.kills < quota) {
    const folder = join(base, `${name}-killed`);
    for (let ofThisRun = 0; !isFinished(folder, repeats); ) {
      const isRun = !repeats && recordOf(folder) !== undefined;
      const session = isRun ? ["resume", folder] : [...command, "--out", folder];
      count.sessions++;
      if (ofThisRun === KILLS_PER_RUN || count.kills === quota) {
        count.damaged += damaged(await finish(session));
        break;
      }
      const { killed, status, writing, errors } = await runAndKill(
        session,
        folder,
        moment(seconds, repeats, random),
      );
      count.damaged += damaged(errors);
      // A comparison whose run was killed fails and says so; the same command is given again.
      if (!killed && status !== 0) throw new Error(`${name}: ended with ${status} by itself: ${errors}`);
      if (!killed) break;
      ofThisRun++;
      count.kills++;
      count.writing += writing;
      count.startingUp += !repeats && !isRun && recordOf(folder) === undefined;
    }
    count.runs++;
    const found = fingerprint(folder);
    const differing = [...new Set([...Object.keys(expected), ...Object.keys(found)])].filter(
      (path) => expected[path] !== found[path],
    );
    if (differing.length > 0) console.error(`${name}: differs in ${differing.join(", ")}`);
    const rest = leftovers(folder);
    if (rest.length > 0) console.error(`${name}: left ${rest.join(", ")}`);
    count.differing += differing.length > 0 || rest.length > 0;
    rmSync(folder, { recursive: true, force: true });
  }
  rmSync(whole, { recursive: true, force: true });
  console.error(
    `${name}: ${count.kills} kills, ${count.writing} while writing, ${count.differing} differing`,
  );
  return { command: name, date: new Date().toISOString(), seed, ...count };
}

/** Half of the kills at any moment, half just after a file under a temporary name was seen. */
function moment(seconds, withChildren, random) {
  const victims = (pid) => {
    const children = withChildren ? childrenOf(pid) : [];
    const which = random();
    if (children.length === 0 || which < 0.4) return [pid];
    return which < 0.7 ? [pid, ...children] : [children[Math.floor(random() * children.length)]];
  };
  if (random() < 0.35) return { seconds: random() * seconds, victims };
  return { event: 1 + Math.floor(random() * 12), delay: 3 * random() ** 2, victims };
}

function recordOf(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, "run.json"), "utf8"));
  } catch {
    return undefined;
  }
}

function isFinished(folder, repeats) {
  return !repeats && recordOf(folder)?.state === "finished";
}

function damaged(errors) {
  return errors.split("damaged checkpoint").length - 1;
}

function report(found) {
  const others = flags.only && !flags["no-save"] ? earlierResults() : [];
  const results = [
    ...others.filter(({ command }) => found.every((one) => one.command !== command)),
    ...found,
  ];
  const total = Object.fromEntries(
    ["kills", "writing", "startingUp", "runs", "sessions", "damaged", "differing"].map((key) => [
      key,
      results.reduce((sum, result) => sum + result[key], 0),
    ]),
  );
  printTable([
    ["command", "kills", "while writing", "before run.json", "runs", "damaged checkpoints", "differing runs"],
    ...[...results, { command: "all", ...total }].map((one) => [
      ...[one.command, one.kills, one.writing, one.startingUp, one.runs, one.damaged, one.differing],
    ]),
  ]);
  const document = { machine: machine(), total, commands: results };
  if (!flags["no-save"]) save("kill-test", document);
  if (total.differing > 0 || total.damaged > 0) process.exitCode = 1;
}

function earlierResults() {
  const file = new URL("results/kill-test.json", import.meta.url);
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).commands : [];
}

/** Mulberry32: the same moments for the same seed, as far as the machine's load allows. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

// Watches the processes that run the inputs: whether they end, hang, or take too much memory.
import { fork } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const child = fileURLToPath(new URL("child.mjs", import.meta.url));
/** A process that computes or waits for so many seconds without a new input is stopped. */
const patience = { computing: 10, waiting: 240 };
/** A process that holds more bytes than this is stopped. */
const mostMemory = 3 * 2 ** 30;

/** The input that a process is at. */
const at = (folder) => {
  const file = join(folder, "at");
  const text = existsSync(file) ? readFileSync(file, "latin1").trim() : "";
  return text === "" ? undefined : Number(text);
};

/** Fields of Linux's file about a process, after its name in parentheses. */
const processFields = (pid, file) => {
  try {
    const text = readFileSync(`/proc/${pid}/${file}`, "latin1");
    return text
      .slice(text.lastIndexOf(")") + 1)
      .trim()
      .split(" ");
  } catch {
    return [];
  }
};
const residentBytes = (pid) => Number(processFields(pid, "statm")[1] ?? 0) * 4096;
/** Seconds of processor time: on a busy machine the clock says little. */
const processorSeconds = (pid) => {
  const [user, system] = processFields(pid, "stat").slice(11, 13);
  return (Number(user ?? 0) + Number(system ?? 0)) / 100;
};

function lastTally(folder) {
  const file = join(folder, "tally");
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {};
}

/** One process: its tally, or the cause of its end and the input. */
function runChild(target, { seed, first, count, folder, guard }) {
  mkdirSync(folder, { recursive: true });
  for (const name of ["at", "tally"]) rmSync(join(folder, name), { force: true });
  const inputs = [target, seed, first, count, folder, join(folder, "findings.jsonl")].map(String);
  return new Promise((resolve) => {
    const running = fork(child, inputs, {
      execArgv: ["--expose-gc"],
      cwd: folder,
      env: {
        ...process.env,
        OMP_NUM_THREADS: "1",
        ...(guard ? { LD_PRELOAD: guard, DISBACK_SYSTEM_ALLOCATOR: "1" } : {}),
      },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    let tally;
    let stopped;
    let words = "";
    let last = { index: undefined, since: Date.now(), processor: 0 };
    running.stderr.on("data", (data) => {
      words = (words + data).slice(-2000);
    });
    running.on("message", (message) => {
      tally = message;
    });
    const watch = setInterval(() => {
      const index = at(folder);
      const processor = processorSeconds(running.pid);
      if (index !== last.index) last = { index, since: Date.now(), processor };
      const stands =
        processor - last.processor > patience.computing || Date.now() - last.since > patience.waiting * 1000;
      if (stands) stopped = "hang";
      else if (residentBytes(running.pid) > mostMemory) stopped = "memory";
      if (stopped) running.kill("SIGKILL");
    }, 200);
    running.on("exit", (code, signal) => {
      clearInterval(watch);
      if (tally) return resolve({ tally });
      resolve({ died: stopped ?? "crash", how: signal ?? `exit code ${code}`, words, index: at(folder) });
    });
  });
}

/**
 * Runs `count` inputs of a target in processes of at most `batch` inputs each; one that dies is noted, and the next goes
 * on behind the input it died of.
 * @param guard a library to preload
 * @param onFinding called at once when a process died, while its files still exist
 * @returns the sums (of a process that died, up to 64 inputs before its death), and the findings: `{target, seed, index, kind, text}`
 */
export async function runTarget(target, { seed, first = 0, count, batch, folder, guard, onFinding }) {
  const sum = { inputs: 0, accepted: 0, refused: 0, slowestMs: 0, mostBytes: 0 };
  const findings = [];
  rmSync(folder, { recursive: true, force: true });
  for (let index = first; index < first + count; ) {
    const size = Math.min(batch, first + count - index);
    const outcome = await runChild(target, { seed, first: index, count: size, folder, guard });
    const tally = outcome.tally ?? lastTally(folder);
    for (const name of ["inputs", "accepted", "refused"]) sum[name] += tally[name] ?? 0;
    for (const name of ["slowestMs", "mostBytes"]) sum[name] = Math.max(sum[name], tally[name] ?? 0);
    if (outcome.tally) {
      index += size;
      continue;
    }
    const { died: kind, how, words, index: place } = outcome;
    const finding = { target, seed, index: place ?? index, kind, text: `${how} ${words.trim().slice(-600)}` };
    findings.push(finding);
    onFinding?.(finding);
    if (place === undefined) break;
    index = place + 1;
  }
  const file = join(folder, "findings.jsonl");
  if (existsSync(file))
    findings.push(
      ...readFileSync(file, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    );
  return { sum, findings };
}

// Runs inputs of one target and judges the outcome of each: the error, the processor time, the memory.
import { readFileSync, writeFileSync } from "node:fs";
import { randomOf } from "./random.mjs";

/** The most memory this process has held since `reset`, in bytes; only Linux tells. */
const peak = process.platform === "linux" && {
  reset: () => writeFileSync("/proc/self/clear_refs", "5"),
  read: () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "latin1"))[1]) * 1024,
};

async function measure(work) {
  const before = process.memoryUsage.rss();
  if (peak) peak.reset();
  const began = process.cpuUsage();
  let error;
  try {
    await work();
  } catch (thrown) {
    error = thrown ?? new TypeError("nothing was thrown");
  }
  const { user, system } = process.cpuUsage(began);
  return { error, milliseconds: (user + system) / 1000, grown: peak ? peak.read() - before : 0 };
}

/**
 * @param target what `loadTarget` gives
 * @param onInput told the index before each input is run
 * @param onTally given the sums so far, every 64 inputs
 * @param onFinding given `{index, kind, text}` of each fault
 * @returns sums of this range
 */
export async function runInputs(
  target,
  { name, seed, first, count, onInput = () => {}, onTally, onFinding },
) {
  const tally = { inputs: 0, accepted: 0, refused: 0, slowestMs: 0, mostBytes: 0 };
  for (let index = first; index < first + count; index++) {
    onInput(index);
    const input = target.make(randomOf(seed, name, index), index);
    let { error, milliseconds, grown } = await measure(() => target.run(input));
    const wrong = error && target.judge(error, input);
    if (wrong) onFinding({ index, kind: "error", text: `${wrong}: ${error.stack ?? error}`.slice(0, 1500) });
    const allowed = target.memory(input);
    if (grown > allowed) {
      // Once more with a clean heap, because garbage of earlier inputs does not count.
      globalThis.gc?.();
      grown = (await measure(() => target.run(input))).grown;
      if (grown > allowed)
        onFinding({ index, kind: "memory", text: `${grown} bytes, ${allowed} are allowed` });
    }
    if (milliseconds > target.milliseconds)
      onFinding({ index, kind: "time", text: `${Math.round(milliseconds)} ms` });
    tally.inputs++;
    tally[error ? "refused" : "accepted"]++;
    tally.slowestMs = Math.max(tally.slowestMs, milliseconds);
    tally.mostBytes = Math.max(tally.mostBytes, grown);
    if (index % 64 !== 0) continue;
    onTally?.(tally);
    // The event loop turns, so that collected tensors are released.
    await new Promise((resolve) => setImmediate(resolve));
  }
  return tally;
}

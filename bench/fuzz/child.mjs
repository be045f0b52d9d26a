// Runs a range of one target's inputs in a process of its own, which the supervisor watches.
// Arguments: target, seed, first index, number of inputs, folder for files, file for findings.
import { appendFileSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setMemoryLimit, setNumThreads } from "@disback/torch";
import { runInputs } from "./run-inputs.mjs";
import { loadTarget } from "./targets.mjs";

const [name, seed, first, count, folder, findings] = process.argv.slice(2);

setNumThreads(1);
setMemoryLimit(2 ** 30);
// Where the supervisor looks when nothing moves, or when this process is gone.
const place = openSync(join(folder, "at"), "w");
// A child without its supervisor ends.
process.on("disconnect", () => process.exit(1));
const tally = await runInputs(await loadTarget(name, folder), {
  name,
  seed: Number(seed),
  first: Number(first),
  count: Number(count),
  onInput: (index) => writeSync(place, String(index).padStart(12), 0),
  // What is known of this process if it dies.
  onTally: (sums) => writeFileSync(join(folder, "tally"), JSON.stringify(sums)),
  onFinding: (finding) =>
    appendFileSync(findings, `${JSON.stringify({ target: name, seed: Number(seed), ...finding })}\n`),
});
process.send(tally, () => process.exit(0));

import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { readBest } from "../best-model.js";
import { listCheckpoints, loadCheckpoint } from "../checkpoint.js";
import { MetricsLog } from "../metrics-log.js";
import { readRunFolder } from "../run-folder.js";
import { positionOf } from "../stage-position.js";
import { FIGURE_NAMES, shortDuration, shortNumber } from "../wording.js";
import type { Description } from "./description.js";

/** A run folder, by its `run.json`. */
export function describeRun(path: string): Description | undefined {
  if (!existsSync(join(path, "run.json"))) return undefined;
  const record = readRunFolder(path);
  const entries = new MetricsLog(join(path, "metrics.jsonl")).read();
  const last = entries.at(-1);
  const fids = entries.flatMap((entry) => (typeof entry.fid === "number" ? [entry.fid] : []));
  const checkpoints = listCheckpoints(path);
  const models = ["student", "teacher", "trajectory"].filter((name) => existsSync(join(path, name)));
  const facts: [string, string][] = [
    ["state", record.state],
    ["started", record.startedAt],
    ["seed", String(record.seed)],
    [
      "versions",
      Object.entries(record.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(", "),
    ],
    ["evaluations", String(entries.length)],
  ];
  if (record.preset) facts.splice(1, 0, ["preset", record.preset]);
  if (last)
    facts.push(["reached", `${last.stage} iteration ${last.iteration}, ${shortDuration(last.seconds)}`]);
  if (fids.length > 0)
    facts.push(["FID", `${shortNumber(fids[0]!)} at start, ${shortNumber(fids.at(-1)!)} now`]);
  const best = readBest(path);
  if (best) {
    const name = FIGURE_NAMES[best.figure] ?? best.figure;
    facts.push([
      "best",
      `${name} ${shortNumber(best.value)} at iteration ${best.iteration}, in ${best.name}`,
    ]);
  }
  for (const { stage, iteration, to, factor } of record.rollBacks ?? []) {
    facts.push([
      "taken back",
      `${stage}, from iteration ${iteration} to ${to}, ${factor} times the learning rate`,
    ]);
  }
  if (record.failure) facts.push(["failed", record.failure.message]);
  facts.push(["checkpoints", checkpoints.join(", ") || "none"]);
  if (models.length > 0) facts.push(["holds", models.join(", ")]);
  return { kind: `run of "${record.command}"`, facts };
}

/** A checkpoint, by its two files; its checksums are verified. */
export async function describeCheckpoint(path: string): Promise<Description | undefined> {
  if (!existsSync(join(path, "state.json"))) return undefined;
  const checkpoint = await loadCheckpoint(path);
  const { stage, seconds } = positionOf(checkpoint);
  return {
    kind: `checkpoint ${basename(path)}`,
    facts: [
      ["stage", stage],
      ["iteration of the run", String(checkpoint.iteration)],
      ["seconds", shortNumber(seconds)],
      ["tensors", String(checkpoint.state.tensors.size)],
      ["checksums", "match"],
    ],
  };
}

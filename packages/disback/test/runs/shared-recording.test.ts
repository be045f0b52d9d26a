import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator } from "@disback/torch";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createDenoiser, parseDenoiserConfig, saveModel } from "../../src/models/config.js";
import { startJob } from "../../src/runs/jobs/job.js";
import { recordingJob } from "../../src/runs/jobs/record.js";
import { FolderLock } from "../../src/runs/lock.js";
import { MetricsLog } from "../../src/runs/metrics-log.js";
import { silent } from "../../src/runs/progress.js";
import { recordSchema } from "../../src/runs/settings/distillation.js";

let base: string;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "disback-shared-"));
  const config = parseDenoiserConfig({ network: "mlp", dimension: 2, hiddenChannels: 16, blocks: 1 });
  for (const [name, seed] of [
    ["one", 0],
    ["another", 1],
  ] as const) {
    saveModel(join(base, name), createDenoiser(config, { generator: new Generator(seed) }), config);
  }
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const trajectories = () => join(base, "shared");
async function recorded(out: string, more: object = {}, shared = true) {
  const notices: string[] = [];
  const settings = recordSchema.parse({
    ...{ teacher: join(base, "one"), student: "untrained", seed: 1 },
    ...{ recording: { nodes: "even-steps", steps: 6, interval: 3, batchSize: 16 } },
    ...more,
  });
  await startJob(recordingJob, settings, {
    ...{ folder: join(base, out), force: false, version: "0" },
    progress: { ...silent, notice: (line) => notices.push(line) },
    ...(shared ? { trajectories: trajectories() } : {}),
  });
  return notices;
}
const file = (out: string, name: string) => join(base, out, "trajectory", name);
const places = () => readdirSync(trajectories()).filter((name) => !name.includes("."));

it("what was recorded before is taken over, its cost included", async () => {
  await recorded("alone", {}, false);
  expect(await recorded("first")).toEqual([]);
  const notices = await recorded("second", { checkpoints: { every: 2 } });
  expect(notices.join()).toContain("recorded by another run; its cost is counted");
  expect(places()).toHaveLength(1);
  for (const name of ["node-000003.safetensors", "node-000006.safetensors"]) {
    expect(readFileSync(file("second", name))).toEqual(readFileSync(file("alone", name)));
    expect(statSync(file("second", name)).ino).toBe(statSync(file("first", name)).ino);
  }
  const log = (out: string) => new MetricsLog(join(base, out, "metrics.jsonl")).read();
  expect(log("second")).toEqual(log("first"));
  expect(log("second").at(-1)!.stepSeconds).toBeGreaterThan(0);
});

it("another teacher, student, seed or recording is another trajectory", async () => {
  const before = places().length;
  await recorded("teacher", { teacher: join(base, "another") });
  await recorded("student", { student: "small" });
  await recorded("seed", { seed: 2 });
  await recorded("steps", { recording: { nodes: "even-steps", steps: 6, interval: 2, batchSize: 16 } });
  expect(places()).toHaveLength(before + 4);
});

it("a run waits while another one records the same", async () => {
  await recorded("waited-for", { seed: 3 });
  const locks = places().map((key) => FolderLock.acquire(join(trajectories(), `${key}.lock`)));
  setTimeout(() => {
    for (const lock of locks) lock.release();
  }, 300);
  expect(await recorded("waiting", { seed: 3 })).toEqual([
    "another run is recording the same trajectory: waiting for it",
    "the trajectory was recorded by another run; its cost is counted",
  ]);
});

it("a damaged place is named", async () => {
  for (const place of places()) writeFileSync(join(trajectories(), place, "cost.json"), "{");
  await expect(recorded("damaged")).rejects.toThrow(/cost.json: not valid JSON; remove /);
});

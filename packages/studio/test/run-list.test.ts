import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { RunList } from "../src/run-list.js";
import { SafeFolder } from "../src/safe-folder.js";
import { line, log, makeRun } from "./make-run.js";

let base: string;
let list: RunList;
let isAlive = true;

beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), "disback-studio-"));
  makeRun(join(base, "finished"));
  makeRun(join(base, "running"), { record: { state: "running" } });
  writeFileSync(join(base, "running", "run.lock"), "{}");
  isAlive = true;
  const runControl = { isHeld: () => isAlive, ask() {}, resume: async () => {} };
  list = new RunList(await SafeFolder.at(base), runControl);
  await list.refresh();
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

it("reads nothing again where nothing changed", async () => {
  const before = list.all;
  await list.refresh();
  // Both were started at the same moment.
  expect(list.all.map(({ id }) => id)).toEqual(["finished", "running"]);
  // The very same objects: pages are told of others only.
  for (const [index, run] of list.all.entries()) expect(run).toBe(before[index]);
});

it("sees new lines of a run under way, its death, and a record that was written anew", async () => {
  const finished = list.get("finished");
  log(join(base, "running"), "live.jsonl", line("backtrack", 190, { loss: 0.5 }));
  await list.refresh();
  expect(list.get("running")).toMatchObject({ state: "running", last: { iteration: 190 } });
  isAlive = false;
  await list.refresh();
  expect(list.get("running")!.state).toBe("interrupted");
  expect(list.get("finished")).toBe(finished);
  makeRun(join(base, "finished"), { record: { state: "failed", failure: { message: "too bad" } } });
  await list.refresh();
  expect(list.get("finished")).toMatchObject({ state: "failed", failure: "too bad" });
});

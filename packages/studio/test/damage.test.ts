import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import type { ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Studio, startStudio } from "@disback/studio";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Events } from "../src/events.js";
import { RunList } from "../src/run-list.js";
import { SafeFolder } from "../src/safe-folder.js";
import { makeRun } from "./make-run.js";

let base: string;
let list: RunList;
let studio: Studio | undefined;
const runControl = { isHeld: () => true, ask() {}, resume: async () => {} };
const names = () => list.all.map((run) => `${run.id} ${run.state}`).sort();

beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), "disback-damage-"));
  makeRun(join(base, "good"));
  makeRun(join(base, "working"), { record: { state: "running" } });
  writeFileSync(join(base, "working", "run.lock"), "{}");
  list = new RunList(await SafeFolder.at(base), runControl);
  await list.refresh();
});
afterEach(async () => {
  await studio?.close();
  studio = undefined;
  chmodSync(join(base, "working"), 0o755);
  rmSync(base, { recursive: true, force: true });
});

/** Root may look everywhere: does something as a user who may not. */
async function asNobody(work: () => Promise<void>): Promise<void> {
  const isRoot = process.getuid!() === 0;
  chmodSync(base, 0o755);
  if (isRoot) process.seteuid!(65_534);
  try {
    await work();
  } finally {
    if (isRoot) process.seteuid!(0);
  }
}

describe("the list", () => {
  it("goes on without a run whose folder may no longer be entered", async () => {
    expect(names()).toEqual(["good finished", "working running"]);
    chmodSync(join(base, "working"), 0);
    await asNobody(() => list.refresh());
    expect(names()).toEqual(["good finished"]);
  });

  it("goes on where a folder became a link that leads to itself", async () => {
    renameSync(join(base, "working"), join(base, "moved"));
    symlinkSync(join(base, "working"), join(base, "working"));
    await list.refresh();
    expect(names()).toEqual(["good finished"]);
    rmSync(join(base, "working"));
    renameSync(join(base, "moved"), join(base, "working"));
  });

  it("keeps what it knew of a run whose record is half written, until it is whole", async () => {
    const path = join(base, "working", "run.json");
    const whole = readFileSync(path, "utf8");
    writeFileSync(path, whole.slice(0, whole.length / 2));
    await list.refresh();
    expect(names()).toEqual(["good finished", "working running"]);
    writeFileSync(path, whole.replace('"running"', '"failed"'));
    await list.refresh();
    expect(names()).toEqual(["good finished", "working failed"]);
  });

  it.each([
    ["startedAt", 5],
    ["state", "odd"],
    ["failure", "text"],
    ["seed", null],
    ["path", [null, 3, { distance: "far" }]],
    ["result", null],
    ["preset", {}],
  ])("shows a run whose record has a damaged %s", async (field, value) => {
    makeRun(join(base, "working"), { record: { [field]: value } });
    studio = await startStudio({ folder: base, runControl });
    const { origin } = new URL(studio.url);
    const runs = (await (await fetch(`${origin}/api/runs`)).json()) as { id: string }[];
    expect(runs.map(({ id }) => id).sort()).toEqual(["good", "working"]);
    const detail = (await (await fetch(`${origin}/api/run?id=working`)).json()) as Record<string, unknown>;
    expect(detail).toMatchObject({ settings: { method: "disback" } });
    if (field === "path") expect(detail.path).toEqual([]);
  });

  it("shows a run whose logs are folders", async () => {
    for (const name of ["metrics.jsonl", "live.jsonl"]) {
      rmSync(join(base, "good", name));
      mkdirSync(join(base, "good", name));
    }
    studio = await startStudio({ folder: base, runControl });
    const { origin } = new URL(studio.url);
    expect((await fetch(`${origin}/api/runs`)).status).toBe(200);
    const curves = await fetch(`${origin}/api/curves?id=good`);
    expect(await curves.json()).toMatchObject({ live: { lines: 0 } });
  });
});

describe("events", () => {
  it("outlive a look at the runs that failed", async () => {
    let fails = false;
    const failing = {
      all: list.all,
      refresh: async () => {
        if (fails) throw new Error("EACCES: permission denied");
      },
    } as unknown as RunList;
    const events = new Events(failing);
    const sent: string[] = [];
    const response = {
      writeHead() {},
      write: (text: string) => sent.push(text),
      once() {},
      end() {},
      destroyed: false,
    } as unknown as ServerResponse;
    await events.add(response);
    fails = true;
    // Unhandled, it would end the server: vitest fails on such rejections, too.
    await expect(events.poll()).resolves.toBeUndefined();
    fails = false;
    const count = sent.length;
    Object.assign(failing, { all: [] });
    await events.poll();
    expect(sent.slice(count).join("")).toContain('"gone":["');
    events.close();
  });
});

import { spawn, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FolderLock } from "../../src/runs/lock.js";
import { RunFolder, readRunFolder } from "../../src/runs/run-folder.js";
import { describeEnvironment, RUN_FORMAT, type RunRecord } from "../../src/runs/run-record.js";

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "disback-run-"));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const record: RunRecord = {
  format: RUN_FORMAT,
  command: "distill",
  preset: "demo",
  settings: { seed: 7 },
  seed: 7,
  ...describeEnvironment("0.1.0", "2.13.0"),
  startedAt: "2026-01-02T03:04:05.000Z",
  state: "running",
};

describe("a new run folder", () => {
  it("holds run.json with settings, versions, seed and start", () => {
    const run = RunFolder.create(join(base, "deep", "run"), record);
    run.close();
    const read = JSON.parse(readFileSync(join(base, "deep", "run", "run.json"), "utf8")) as RunRecord;
    expect(read).toMatchObject({ command: "distill", preset: "demo", settings: { seed: 7 }, seed: 7 });
    expect(read.versions).toMatchObject({
      disback: "0.1.0",
      libtorch: "2.13.0",
      node: process.versions.node,
    });
    expect(readdirSync(join(base, "deep", "run")).sort()).toEqual(["checkpoints", "run.json", "samples"]);
  });

  it("may be an empty folder", () => {
    RunFolder.create(base, record).close();
    expect(existsSync(join(base, "run.json"))).toBe(true);
  });

  it("is refused where a run is", () => {
    RunFolder.create(base, record).close();
    expect(() => RunFolder.create(base, record)).toThrow(
      /already in use by a run; continue it with "disback resume/,
    );
  });

  it("sets an earlier run aside with force, and says so", () => {
    const path = join(base, "run");
    const notices: string[] = [];
    for (const seed of [1, 2, 3]) {
      const options = { force: true, notice: (line: string) => notices.push(line) };
      RunFolder.create(path, { ...record, seed }, options).close();
    }
    expect(notices).toEqual([1, 2].map((n) => `earlier run moved from ${path} to ${path}.old-${n}`));
    expect([path, `${path}.old-1`, `${path}.old-2`].map((one) => readRunFolder(one).seed)).toEqual([3, 1, 2]);
  });

  it("is refused among other files, with force too", () => {
    writeFileSync(join(base, "thesis.tex"), "years of work");
    for (const force of [false, true]) {
      expect(() => RunFolder.create(base, record, { force })).toThrow(
        /files that belong to no run \(thesis.tex/,
      );
    }
    expect(readdirSync(base)).toEqual(["thesis.tex"]);
  });

  it("is refused where a file is", () => {
    writeFileSync(join(base, "a"), "");
    expect(() => RunFolder.create(join(base, "a"), record)).toThrow(/a file is in the way/);
  });
});

describe("opening a run", () => {
  it("keeps the record and notes the resumption", () => {
    RunFolder.create(base, record).close();
    const run = RunFolder.open(base);
    expect(run.record).toMatchObject({ seed: 7, state: "running" });
    expect(run.record.resumedAt).toHaveLength(1);
    run.close();
  });

  it("clears what a killed writer left", () => {
    RunFolder.create(base, record).close();
    mkdirSync(join(base, "checkpoints", "00000010.partial-99"));
    writeFileSync(join(base, "run.json.partial-99"), "{");
    RunFolder.open(base).close();
    expect(readdirSync(join(base, "checkpoints"))).toEqual([]);
    expect(existsSync(join(base, "run.json.partial-99"))).toBe(false);
  });

  it.each([
    ["{", /not valid JSON/],
    ["{}", /not a run of disback/],
    ["null", /not a run of disback/],
    [JSON.stringify({ format: RUN_FORMAT, command: "distill" }), /"settings" is missing/],
  ])("refuses run.json %s", (content, message) => {
    writeFileSync(join(base, "run.json"), content);
    expect(() => RunFolder.open(base)).toThrow(message);
  });

  it("says when there is no run", () => {
    expect(() => RunFolder.open(join(base, "nowhere"))).toThrow(/no such folder/);
    expect(() => RunFolder.open(base)).toThrow(/holds no run/);
  });
});

describe("the lock", () => {
  it("keeps a second process out while the first lives, and not after it was killed", async () => {
    const path = join(base, "run.lock");
    const other = spawn(process.execPath, ["-e", "console.log('up'); setInterval(() => {}, 1000)"]);
    await new Promise((resolve) => other.stdout.once("data", resolve));
    writeFileSync(path, JSON.stringify({ pid: other.pid, host: hostname(), since: "2026-01-01" }));
    expect(() => FolderLock.acquire(path)).toThrow(new RegExp(`process ${other.pid} has been working`));
    other.kill("SIGKILL");
    await new Promise((resolve) => other.once("exit", resolve));
    FolderLock.acquire(path).release();
    expect(existsSync(path)).toBe(false);
  });

  it("is taken from a process whose number was given to another since", () => {
    const path = join(base, "run.lock");
    const owner = { pid: process.pid, host: hostname(), processStart: "1", since: "2026-01-01" };
    writeFileSync(path, JSON.stringify(owner));
    FolderLock.acquire(path).release();
  });

  it("of another machine is respected, with advice", () => {
    const path = join(base, "run.lock");
    writeFileSync(path, JSON.stringify({ pid: 1, host: "elsewhere", since: "2026-01-01" }));
    expect(() => FolderLock.acquire(path)).toThrow(/on elsewhere .* delete this file/);
  });

  it("that is torn counts as nobody's", () => {
    const path = join(base, "run.lock");
    writeFileSync(path, '{"pid": 12');
    FolderLock.acquire(path).release();
    expect(readdirSync(base)).toEqual([]);
  });

  it("goes to one of many that try to take over at once", () => {
    const path = join(base, "run.lock");
    writeFileSync(path, JSON.stringify({ pid: 2 ** 22 + 1, host: hostname(), since: "2026-01-01" }));
    FolderLock.acquire(path);
    expect(() => FolderLock.acquire(path)).toThrow(/has been working/);
  });

  it("outlives nothing: a crashed run can be opened", () => {
    RunFolder.create(base, record);
    const gone = spawnSync(process.execPath, ["-e", ""]);
    writeFileSync(join(base, "run.lock"), JSON.stringify({ pid: gone.pid, host: hostname(), since: "x" }));
    RunFolder.open(base).close();
  });
});

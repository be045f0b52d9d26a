import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Generator } from "@disback/torch";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createDenoiser, parseDenoiserConfig, saveModel } from "../../src/models/config.js";
import { latestCheckpoint, listCheckpoints } from "../../src/runs/checkpoint.js";
import { FolderLock } from "../../src/runs/lock.js";
import { disback, interrupted, MAIN } from "./command.js";

// Each test is a few whole runs of the command line.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let base: string;
let teacher: string;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "disback-disk-"));
  teacher = join(base, "model");
  const config = parseDenoiserConfig({ network: "mlp", dimension: 2, hiddenChannels: 16, blocks: 1 });
  saveModel(teacher, createDenoiser(config, { generator: new Generator(0) }), config);
  expect(disback(...distill(), "--out", join(base, "whole")).status).toBe(0);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const distill = () => [
  ...["distill", "--teacher", teacher, "--data", "toy:ring", "--method", "plain", "--quiet"],
  ...["--iterations", "200", "--batch-size", "16", "--checkpoint-every", "2", "--evaluate-every", "50"],
  ...[
    "--set",
    "evaluation.samples=50",
    "evaluation.grid=9",
    "evaluation.teacher=false",
    "checkpoints.keepBest=false",
  ],
];
const weights = (path: string) => readFileSync(path).toString("base64");

function hasCheckpoint(run: string, from: number): boolean {
  return listCheckpoints(run).some((iteration) => iteration >= from);
}

/** A mount namespace: root has one, others get one where user namespaces are allowed. */
const NAMESPACE = process.getuid?.() === 0 ? ["-m"] : ["-rm"];
const SCRIPT = fileURLToPath(new URL("./disk.sh", import.meta.url));

function onSmallDisk(kind: "full" | "readonly", size: string) {
  const place = join(base, kind);
  mkdirSync(place);
  const { status, stderr } = spawnSync(
    "unshare",
    [...NAMESPACE, SCRIPT, kind, place, process.execPath, MAIN, ...distill()],
    {
      encoding: "utf8",
      env: {
        ...process.env,
        ...{ OMP_NUM_THREADS: "1", NO_COLOR: "1", DISK_SIZE: size, DISBACK: `${process.execPath} ${MAIN}` },
      },
    },
  );
  expect([status, stderr]).toEqual([0, ""]);
  const text = (name: string) => readFileSync(join(place, name), "utf8");
  return { text, place };
}

describe("a disk that fails", () => {
  it("full: one clear line, and the run goes on bit for bit once there is space", () => {
    const { text, place } = onSmallDisk("full", "200k");
    expect(text("first.status")).toBe("1\n");
    expect(text("first.errors")).toMatch(/^error: .*no space left on the (device|disk)\n$/);
    expect(text("first.checkpoints")).toMatch(/^\d{8}$/m);
    expect(text("first.checkpoints")).not.toContain("partial");
    expect(text("resume.errors")).not.toContain("damaged");
    expect(text("resume.status")).toBe("0\n");
    expect(weights(join(place, "after.safetensors"))).toBe(
      weights(join(base, "whole", "student", "model.safetensors")),
    );
  });

  it("read-only, from the start or suddenly: the same", () => {
    const { text, place } = onSmallDisk("readonly", "64m");
    expect(text("start.status")).toBe("1\n");
    expect(text("start.errors")).toMatch(/^error: cannot create .*run: the file system is read-only\n$/);
    expect(text("first.status")).toBe("1\n");
    expect(text("first.errors")).toMatch(/^error: .*read-only( file system.*)?\n$/);
    expect(text("resume.errors")).not.toContain("damaged");
    expect(text("resume.status")).toBe("0\n");
    expect(weights(join(place, "after.safetensors"))).toBe(
      weights(join(base, "whole", "student", "model.safetensors")),
    );
  });

  it("a folder moved away is not made anew, and goes on where it is", async () => {
    const run = join(base, "here");
    const away = join(base, "elsewhere");
    const move = () => {
      if (!existsSync(away) && hasCheckpoint(run, 6)) renameSync(run, away);
      // No signal is ever sent: the run is to notice by itself.
      return false;
    };
    const { status, stderr } = await interrupted([...distill(), "--out", run], "SIGTERM", move);
    expect(stderr).toMatch(/^error: .*here: the run's folder is missing; if it was moved, .*disback resume/);
    expect(status).toBe(1);
    expect(existsSync(run)).toBe(false);
    expect(await latestCheckpoint(away, () => expect.unreachable())).toBeDefined();
    expect(disback("resume", away, "--quiet").status).toBe(0);
    expect(weights(join(away, "student", "model.safetensors"))).toBe(
      weights(join(base, "whole", "student", "model.safetensors")),
    );
  });
});

describe("too little memory", () => {
  it("is told before the start, and at its end in one clear line", () => {
    const out = join(base, "huge");
    const { status, stderr } = disback(...distill(), "--batch-size", "3000000000000", "--out", out);
    expect(stderr).toMatch(
      /^memory: .* too much; less with .*--micro-batch.*\nerror: .*out of memory: a tensor of \d+ bytes does not fit.*; smaller batches.*\n$/,
    );
    expect(status).toBe(1);
  });
});

describe("signals", () => {
  it("a second one leaves at once; the last checkpoint stays, and the lock is taken over", async () => {
    const run = join(base, "twice");
    // Evaluations are long enough that the second signal comes before the first is answered.
    const slow = [...distill(), "--out", run, "--evaluate-every", "3", "--evaluation-samples", "60000"];
    const ready = () => hasCheckpoint(run, 2);
    const { status, stderr } = await interrupted(slow, "SIGTERM", ready, 2);
    // By its own exit, or by the signal itself when it was leaving already.
    expect([143, null]).toContain(status);
    expect(stderr).toContain("SIGTERM: saving at the end of this step (a second signal exits at once)");
    expect(await latestCheckpoint(run, () => expect.unreachable())).toBeDefined();
    FolderLock.acquire(join(run, "run.lock")).release();
  });
});

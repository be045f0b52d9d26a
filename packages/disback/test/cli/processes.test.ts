import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { whyNoNccl } from "@disback/torch";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { freePort } from "../../../../test-support/processes.js";
import { MetricsLog } from "../../src/runs/metrics-log.js";
import { BRIEF_DISTILLATION, disback, interrupted, type Outcome, started } from "./command.js";

// Each test is a few whole runs of the command line, in several processes each.
vi.setConfig({ testTimeout: 240_000 });

let base: string;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "disback-processes-"));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

const distill = (out: string, iterations: number, ...more: string[]) => [
  ...BRIEF_DISTILLATION,
  ...["--record-steps", "4", "--record-interval", "2", "--steps-per-target", "4", "--out", join(base, out)],
  ...["--iterations", String(iterations), "--batch-size", "36", "--evaluate-every", "8", "--quiet", ...more],
  ...["--method", "disback", "--set", "recording.nodes=even-steps", "recording.batchSize=36"],
  ...[
    "checkpoints.every=2",
    "evaluation.samples=300",
    "evaluation.batchSize=70",
    "evaluation.teacherSteps=3",
  ],
];
const metrics = (out: string) => new MetricsLog(join(base, out, "metrics.jsonl")).read();
const state = (out: string) => JSON.parse(readFileSync(join(base, out, "run.json"), "utf8"));
const checkpointOf = (out: string, iteration: number) => () =>
  existsSync(join(base, out, "checkpoints", String(iteration).padStart(8, "0")));

/** Starts the members of a group as a launcher would, each on its own. */
async function members(
  size: number,
  flags: string[],
): Promise<{ child: ChildProcess; end: Promise<Outcome> }[]> {
  const port = String(await freePort());
  return Array.from({ length: size }, (_, rank) => {
    const env = { RANK: String(rank), WORLD_SIZE: String(size), MASTER_ADDR: "127.0.0.1", MASTER_PORT: port };
    return started(flags, env);
  });
}

async function until(ready: () => boolean, { end }: { end: Promise<Outcome> }): Promise<void> {
  let early: Outcome | undefined;
  void end.then((outcome) => (early = outcome));
  while (!ready()) {
    if (early) throw new Error(`a process ended early: ${early.stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

it("two processes do what one does, and only the first one writes and speaks", () => {
  expect(disback(...distill("one", 8)).status).toBe(0);
  const { status, stdout, stderr } = disback(
    ...distill("two", 8, "--processes", "2", "--shard-optimizer", "--json"),
  );
  expect(stderr).toBe("");
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ run: join(base, "two") });
  expect(readdirSync(join(base, "two")).sort()).toEqual(readdirSync(join(base, "one")).sort());
  const [alone, shared] = [metrics("one"), metrics("two")];
  expect(shared.map(({ stage, iteration, images }) => [stage, iteration, images])).toEqual(
    alone.map(({ stage, iteration, images }) => [stage, iteration, images]),
  );
  for (const [index, { seconds: _, stepSeconds: __, processorSeconds: ___, ...entry }] of alone.entries()) {
    for (const [figure, value] of Object.entries(entry)) {
      const other = shared[index]![figure];
      if (typeof value === "number") expect(other, figure).toBeCloseTo(value, 2);
      else expect(other).toBe(value);
    }
  }
});

it("stops at one iteration for all when asked to, and goes on with another number of processes", async () => {
  const flags = distill("stopped", 200, "--processes", "2");
  const stopped = await interrupted(flags, "SIGINT", checkpointOf("stopped", 10));
  expect(stopped.status).toBe(130);
  expect(stopped.stderr).toMatch(
    /^(SIGINT: saving .*\n)?stopped at iteration \d+ of 200 .*continue with: disback resume/,
  );
  expect(state("stopped").state).toBe("stopped");
  const again = await interrupted(
    ["resume", join(base, "stopped"), "--processes", "3", "--quiet"],
    "SIGTERM",
    checkpointOf("stopped", 30),
  );
  expect(again.status).toBe(143);
});

it("names the rank that was killed within the set time, and resumes with two processes and with one", async () => {
  const group = await members(3, distill("killed", 400, "--process-timeout", "20"));
  await until(checkpointOf("killed", 12), group[0]!);
  const began = performance.now();
  group[1]!.child.kill("SIGKILL");
  const [first, , third] = await Promise.all(group.map(({ end }) => end));
  expect(performance.now() - began).toBeLessThan(40_000);
  expect(first!.stderr).toContain("error: rank 1 of 3 processes is gone or hangs");
  expect(first!.stderr).toContain(`disback resume ${join(base, "killed")}`);
  // Who notices only when rank 0 has left on that account finds rank 0 gone.
  expect(third!.stderr).toMatch(/error: rank [01] of 3 processes is gone or hangs/);
  expect([first!.status, third!.status]).toEqual([1, 1]);
  expect(state("killed").failure.message).toContain("rank 1 of 3 processes is gone");
  const resumed = await interrupted(
    ["resume", join(base, "killed"), "--processes", "2", "--quiet"],
    "SIGTERM",
    checkpointOf("killed", 24),
  );
  expect(resumed.status).toBe(143);
  const alone = await interrupted(
    ["resume", join(base, "killed"), "--quiet"],
    "SIGTERM",
    checkpointOf("killed", 36),
  );
  expect(alone.status).toBe(143);
});

it("names the rank that hangs", async () => {
  const group = await members(2, distill("hanging", 400, "--process-timeout", "8"));
  await until(checkpointOf("hanging", 8), group[0]!);
  const began = performance.now();
  group[1]!.child.kill("SIGSTOP");
  const { stderr } = await group[0]!.end;
  // Eight seconds, and what a busy machine needs to write the report and leave.
  expect(performance.now() - began).toBeLessThan(30_000);
  expect(stderr).toContain("rank 1 of 2 processes is gone or hangs");
  group[1]!.child.kill("SIGKILL");
  await group[1]!.end;
});

it("says what is wrong once", () => {
  expect(disback(...distill("uneven", 8, "--processes", "5"))).toMatchObject({
    status: 1,
    stderr:
      'error: "recording.batchSize" of 36 cannot be shared evenly by 5 processes; choose a multiple of 5\n',
  });
  expect(disback(...distill("sharing", 8, "--processes", "2", "--share-trajectories", base))).toMatchObject({
    status: 2,
    stderr: "error: --share-trajectories: only for runs of a single process\n",
  });
});

it("says what several processes on GPUs need", () => {
  const on = (device: string) => disback(...distill("gpus", 8, "--processes", "2", "--device", device));
  expect(on("cuda:1")).toMatchObject({
    status: 2,
    stderr: "error: --device cuda:1: each of several processes takes its own GPU; use --device cuda\n",
  });
  const absence = whyNoNccl();
  if (absence)
    expect(on("cuda")).toMatchObject({
      status: 1,
      stderr: `error: cuda in several processes: ${absence}\n`,
    });
});

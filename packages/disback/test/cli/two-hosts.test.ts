import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { BRIEF_DISTILLATION, disback, ENVIRONMENT, interrupted, MAIN } from "./command.js";

vi.setConfig({ testTimeout: 240_000 });

const script = fileURLToPath(new URL("two-hosts.sh", import.meta.url));
/** Root in namespaces of our own: no privilege is needed where users may make them. */
const HOSTS = [
  "unshare",
  ...(process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"]),
  "--net",
  "--mount",
];

let base: string;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "disback-two-hosts-"));
  const { status, stderr } = spawnSync(
    HOSTS[0]!,
    [...HOSTS.slice(1), "ip", "link", "add", "x", "type", "veth"],
    {
      encoding: "utf8",
    },
  );
  if (status !== 0)
    throw new Error(
      `this test makes two hosts of network namespaces, which this user may not do here (${stderr?.trim() || "unshare or ip is missing"}): install util-linux and iproute2, and run it as root or where user namespaces are allowed`,
    );
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

it("a link that is cut ends the job on both hosts within the set time, and it goes on in one process", async () => {
  const run = join(base, "run");
  const logs = join(base, "logs");
  mkdirSync(logs);
  const flags = [
    ...BRIEF_DISTILLATION,
    ...["--method", "plain", "--iterations", "100000", "--batch-size", "16", "--evaluate-every", "50000"],
    ...["--process-timeout", "12", "--out", run, "--quiet"],
    ...["--set", "checkpoints.every=5", "evaluation.samples=100", "evaluation.teacher=false"],
  ];
  const hosts = spawn(HOSTS[0]!, [...HOSTS.slice(1), "sh", script, logs, process.execPath, MAIN, ...flags], {
    env: ENVIRONMENT,
  });
  let problems = "";
  hosts.stderr.on("data", (text) => (problems += text));
  const ended = new Promise((resolve) => hosts.once("close", resolve));
  const checkpoint = join(run, "checkpoints", "00000010");
  while (!existsSync(checkpoint)) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (hosts.exitCode !== null) throw new Error(`the hosts ended early: ${problems}`);
  }
  writeFileSync(join(logs, "cut"), "");
  const began = performance.now();
  await ended;
  // Twelve seconds, and what a busy machine needs to end four processes.
  expect(performance.now() - began).toBeLessThan(20_000);
  const said = (rank: number) => readFileSync(join(logs, `${rank}.log`), "utf8");
  for (const rank of [0, 1]) expect(said(rank)).toContain("rank 2, rank 3 of 4 processes is gone or hangs");
  // Across the link nobody can tell who is left but that rank 0, which keeps the roll, is out of reach.
  for (const rank of [2, 3]) expect(said(rank)).toContain("rank 0 of 4 processes is gone or hangs");
  expect(disback("inspect", run).status).toBe(0);
  const next = join(run, "checkpoints");
  const before = readFileSync(join(run, "run.json"), "utf8");
  expect(JSON.parse(before).failure.message).toContain("rank 2, rank 3 of 4 processes");
  const { status } = await interrupted(["resume", run, "--quiet"], "SIGTERM", () =>
    existsSync(join(next, "00000200")),
  );
  expect(status).toBe(143);
});

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";

/** The built command line. */
export const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
export const ENVIRONMENT = {
  ...process.env,
  OMP_NUM_THREADS: "1",
  NO_COLOR: "1",
  XDG_CACHE_HOME: join(tmpdir(), "disback-test-cache"),
};

/** Flags of the shortest distillation: points, an untrained student, nothing before it. */
export const BRIEF_DISTILLATION = [
  ...["distill", "--teacher", "2d-ring", "--student", "untrained", "--data", "toy:ring"],
  ...["--imitation-steps", "0"],
];

/** Flags of a run that shows and judges a few samples every `every` steps; settings may follow. */
export const showing = (samples: number, every: number) => [
  ...["--quiet", "--set", `evaluation.samples=${samples}`, "evaluation.grid=4"],
  ...[`evaluation.every=${every}`, "evaluation.teacherSteps=2"],
];

/** A folder for the tests of one file, removed after them. @returns the path of a name in it */
export function ownFolder(): (name: string) => string {
  const base = mkdtempSync(join(tmpdir(), "disback-test-"));
  afterAll(() => rmSync(base, { recursive: true, force: true }));
  return (name) => join(base, name);
}

/** What a finished command left. */
export interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the built command line to its end. */
export function disback(...flags: string[]): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...flags], {
    encoding: "utf8",
    env: ENVIRONMENT,
  });
  return { status, stdout, stderr };
}

/** Starts the built command line. */
export function started(
  flags: readonly string[],
  environment: Record<string, string> = {},
): { child: ChildProcess; end: Promise<Outcome> } {
  const child = spawn(process.execPath, [MAIN, ...flags], { env: { ...ENVIRONMENT, ...environment } });
  const outcome: Outcome = { status: null, stdout: "", stderr: "" };
  child.stdout.on("data", (text) => (outcome.stdout += text));
  child.stderr.on("data", (text) => (outcome.stderr += text));
  const end = new Promise<Outcome>((resolve) => {
    child.once("close", (status) => resolve({ ...outcome, status }));
  });
  return { child, end };
}

/** Starts a command; as soon as `ready` says so a signal is sent, `times` times 200 ms apart. */
export async function interrupted(
  flags: string[],
  signal: NodeJS.Signals,
  ready: () => boolean,
  times = 1,
): Promise<Outcome> {
  const { child, end } = started(flags);
  let sent = 0;
  let last = 0;
  const watch = setInterval(() => {
    if (performance.now() - last < (sent > 0 ? 200 : 0) || !ready() || !child.kill(signal)) return;
    last = performance.now();
    if (++sent === times) clearInterval(watch);
  }, 5);
  const outcome = await end;
  clearInterval(watch);
  return outcome;
}

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { disback, MAIN } from "./command.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-cli-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const COMMANDS = [
  "teacher train",
  "record",
  "backtrack",
  "distill",
  "compare",
  "sample",
  "evaluate",
  "export",
  "inspect",
  "doctor",
  "resume",
];

describe("help", () => {
  it.each(COMMANDS)("of %s shows an example, --json and --seed", (command) => {
    const { status, stdout } = disback(...command.split(" "), "--help");
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`Examples?:\\n {2}disback ${command}`));
    expect(stdout).toContain("--json");
    if (!["export", "inspect", "doctor", "resume", "compare"].includes(command))
      expect(stdout).toContain("--seed <n>");
  });

  it("shows the flags most people need, and every one where that is asked for", () => {
    const brief = disback("distill", "--help").stdout;
    const whole = disback("distill", "--help-all");
    const flags = (text: string) => text.match(/^ {2}(-h, )?--[a-z-]+/gm)!.length;
    expect(flags(brief)).toBeLessThan(14);
    expect(brief.split("\n").length).toBeLessThan(40);
    expect(brief).not.toContain("--precision");
    expect(whole.status).toBe(0);
    expect(whole.stdout).toContain("--precision <name>");
    expect(whole.stdout).toMatch(/^Backtracking:$/m);
    expect(flags(whole.stdout)).toBeGreaterThan(40);
  });

  it("comes at once: nothing heavy is loaded for it", () => {
    // Seconds of processor time. Other work on the machine stretches even that: the best of five counts.
    const hook =
      'process.on("exit", () => { const { user, system } = process.cpuUsage(); console.error((user + system) / 1e6) })';
    const flags = ["--import", `data:text/javascript,${hook}`, MAIN, "distill", "--help"];
    const seconds = Array.from({ length: 5 }, () =>
      Number(spawnSync(process.execPath, flags, { encoding: "utf8" }).stderr),
    );
    expect(Math.min(...seconds)).toBeGreaterThan(0);
    expect(Math.min(...seconds)).toBeLessThan(0.4);
  });
});

describe("wrong usage is one line and exit code 2", () => {
  it.each([
    [["distill", "--sed", "3"], /^error: unknown option '--sed' \(Did you mean one of --seed, --set\?\)$/],
    [["distil"], /^error: unknown command 'distil' \(Did you mean distill\?\)$/],
    [
      ["distill", "--preset", "dmeo"],
      /^error: unknown preset "dmeo" \(did you mean "demo"\?\); there are: demo, /,
    ],
    [["foo"], /^error: unknown command 'foo'; see disback --help$/],
    [["teacher", "imprt"], /^error: unknown command 'imprt' \(Did you mean import\?\)$/],
    [["distill"], /^error: --teacher is required, or a --preset that has it: demo, .*2d$/],
    [["distill", "--preset", "cifar10"], /^error: --teacher is required$/],
    [["backtrack", "--teacher", "x"], /^error: --trajectory is required$/],
    [["distill", "--teacher"], /^error: option '--teacher <model>' argument missing$/],
    [["distill", "--teacher", "x", "--iterations", "0"], /^error: --iterations must be at least 1, got 0$/],
    [
      ["distill", "--teacher", "x", "--iterations", "many"],
      /^error: --iterations must be a number, got "many"$/,
    ],
    [
      ["distill", "--teacher", "x", "--method", "dmd"],
      /^error: --method must be one of auto, disback, plain, got "dmd"$/,
    ],
    [["distill", "--teacher", "x", "--set", "seed"], /^error: --set seed: must be <name>=<value>$/],
    [
      ["distill", "--teacher", "x", "--set", "evaluation.sample=5"],
      /^error: unknown setting "evaluation.sample" \(did you mean "evaluation.samples"\?\)$/,
    ],
    [["sample"], /^error: missing required argument 'model'; see disback sample --help$/],
    [
      ["sample", "x", "--out", "a.jpeg"],
      /^error: --out a.jpeg: ".jpeg" is not known; use .png, .gif \(of videos\), .npz, .txt \(of texts\) or a folder$/,
    ],
    [["inspect", "a", "b"], /^error: too many arguments for 'inspect'/],
  ])("%j", (flags, message) => {
    const { status, stdout, stderr } = disback(...flags);
    expect(stderr.trimEnd()).toMatch(message);
    expect(status).toBe(2);
    expect(stdout).toBe("");
  });

  it("with --json is also the one document on stdout", () => {
    const { status, stdout } = disback("distil", "--json");
    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toEqual({ error: "unknown command 'distil' (Did you mean distill?)" });
  });

  it("no command at all shows the help", () => {
    const { status, stderr } = disback();
    expect(status).toBe(2);
    expect(stderr).toContain("Usage: disback");
  });
});

describe("a user's mistake is one line and exit code 1", () => {
  it.each([
    [["sample", "/no/such/model"], /^error: \/no\/such\/model: no such model folder/],
    [["distill", "--teacher", "/no/such/model"], /^error: \/no\/such\/model: no such model folder/],
    [["evaluate", "/no/such/model"], /^error: \/no\/such\/model: no such model folder/],
    [
      ["distill", "--preset", "demo", "--micro-batch", "5"],
      /^error: "microBatch": a process's batch of \d+ cannot be split into equal parts of 5$/,
    ],
    [
      ["distill", "--preset", "demo", "--cuda-graphs"],
      /^error: "cudaGraphs": only a GPU has them; the device is cpu$/,
    ],
    [
      ["distill", "--preset", "demo", "--cuda-graphs", "--micro-batch", "16"],
      /^error: "cudaGraphs": a batch in \d+ parts cannot be captured; leave "microBatch" or "cudaGraphs" out$/,
    ],
    [["inspect", "/no/such/file"], /^error: \/no\/such\/file: no such file or folder$/],
    [["resume", "/no/such/run"], /^error: \/no\/such\/run: no such folder$/],
    [
      ["distill", "--config", "/no/such.yaml"],
      /^error: cannot read \/no\/such.yaml: no such file or folder$/,
    ],
    [
      ["teacher", "train", "--preset", "2d", "--data", "/no/data"],
      /^error: dataset \/no\/data does not exist/,
    ],
  ])("%j", (flags, message) => {
    const out = ["inspect", "resume", "evaluate"].includes(flags[0]!) ? [] : ["--out", join(folder, "out")];
    const { status, stderr } = disback(...flags, ...out);
    expect(stderr.trimEnd()).toMatch(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(status).toBe(1);
  });

  it("leaves no folder behind when it failed before it did anything", () => {
    disback("distill", "--teacher", "/no/such/model", "--out", join(folder, "run"));
    expect(readdirSync(folder)).toEqual([]);
  });

  it("with --json is also the one document on stdout", () => {
    const { status, stdout } = disback("inspect", "/no/such/file", "--json");
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toEqual({ error: "/no/such/file: no such file or folder" });
  });

  it("a wrong file names file and field", () => {
    const file = join(folder, "a.yaml");
    writeFileSync(file, "teacher: x\nbacktracking:\n  batchSize: -5\n");
    const { status, stderr } = disback("distill", "--config", file);
    expect(stderr).toBe(`error: ${file}: "backtracking.batchSize" must be at least 1, got -5\n`);
    expect(status).toBe(1);
  });
});

describe("colours", () => {
  const doctor = (environment: Record<string, string>) =>
    spawnSync(process.execPath, [MAIN, "doctor"], {
      encoding: "utf8",
      env: { PATH: process.env.PATH!, OMP_NUM_THREADS: "1", ...environment },
    }).stdout;

  it("are for terminals, or where they are asked for; NO_COLOR has the last word", () => {
    const escapeCode = String.fromCharCode(27);
    expect(doctor({})).not.toContain(escapeCode);
    expect(doctor({ FORCE_COLOR: "1" })).toContain(escapeCode);
    expect(doctor({ FORCE_COLOR: "0" })).not.toContain(escapeCode);
    expect(doctor({ FORCE_COLOR: "1", NO_COLOR: "1" })).not.toContain(escapeCode);
    const failed = spawnSync(process.execPath, [MAIN, "foo"], {
      encoding: "utf8",
      env: { PATH: process.env.PATH!, FORCE_COLOR: "1", NO_COLOR: "1" },
    });
    expect(failed.stderr).toBe("error: unknown command 'foo'; see disback --help\n");
  });
});

describe("--show-settings", () => {
  it("prints settings that --config takes back", () => {
    const first = disback("distill", "--preset", "demo", "--seed", "9", "--show-settings");
    expect(first.status).toBe(0);
    expect(first.stdout).toMatch(/^seed: 9 # random seed/);
    const file = join(folder, "a.yaml");
    writeFileSync(file, first.stdout);
    expect(disback("distill", "--config", file, "--show-settings").stdout).toBe(first.stdout);
  });
});

it("prints its version", () => {
  expect(disback("--version").stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

it("--set takes lists in brackets", () => {
  const { stdout, stderr } = disback(
    ...["compare", "--preset", "2d-best", "--show-settings"],
    ...["--set", "learningRates.student=[1e-3, 3e-2]", "learningRates.seeds=[7]"],
  );
  expect(stderr).toBe("");
  expect(stdout).toContain("student: [0.001,0.03]");
  expect(stdout).toMatch(/\n {2}seeds: \[7\]/);
  const bad = disback("compare", "--preset", "2d-best", "--show-settings", "--set", "seeds=[1,two]");
  expect(bad.stderr).toMatch(/^error: .*seeds/);
});

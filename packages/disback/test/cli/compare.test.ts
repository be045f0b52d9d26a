import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator } from "@disback/torch";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createDenoiser, parseDenoiserConfig, saveModel } from "../../src/models/config.js";
import type { ComparisonDocument } from "../../src/runs/compare/document.js";
import { disback, interrupted } from "./command.js";

// Each test is several whole runs, each a process of its own.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let base: string;
let teacher: string;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "disback-compare-"));
  teacher = join(base, "model");
  const config = parseDenoiserConfig({ network: "mlp", dimension: 2, hiddenChannels: 16, blocks: 1 });
  saveModel(teacher, createDenoiser(config, { generator: new Generator(0) }), config);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** A comparison of seconds: two methods, one seed. */
const compare = (out: string, ...more: string[]) => [
  ...[
    "compare",
    "--teacher",
    teacher,
    "--data",
    "toy:ring",
    "--out",
    join(base, out),
    "--students",
    "untrained",
  ],
  ...["--seeds", "1", "--iterations", "12", "--jobs", "2", "--set", "common.recording.steps=4"],
  ...[
    "methods.diff-instruct.method=plain",
    "methods.disback.method=disback",
    "methods.disback.imitation.when=always",
    "common.recording.nodes=even-steps",
    "common.imitation.steps=4",
  ],
  ...["common.recording.interval=2", "common.recording.batchSize=16", "common.backtracking.batchSize=16"],
  ...["common.evaluation.every=4", "common.evaluation.samples=200", "common.evaluation.grid=16"],
  ...["common.evaluation.teacherSteps=3", "common.checkpoints.every=4"],
  ...more,
];
const documentOf = (out: string) =>
  JSON.parse(readFileSync(join(base, out, "compare.json"), "utf8")) as ComparisonDocument;
const startOf = (out: string, method: string) => {
  const runs = join(base, out, "runs", "untrained", method);
  const [rates] = readdirSync(runs);
  return JSON.parse(readFileSync(join(runs, rates!, "seed-1", "run.json"), "utf8")).startedAt as string;
};

describe("the smoke preset", () => {
  it("compares, in well under a minute of processor time", async () => {
    const { status, stdout, stderr } = disback(
      "compare",
      "--preset",
      "2d-smoke",
      "--out",
      join(base, "smoke"),
    );
    expect(stderr).not.toContain("error");
    expect(status).toBe(0);
    expect(stdout).toContain("baseline's best");
    const document = documentOf("smoke");
    expect(document).toMatchObject({ preset: "2d-smoke", figure: "slicedWasserstein" });
    const [part] = document.cases;
    expect(part!.methods.map((method) => method.name)).toEqual(["diff-instruct", "disback"]);
    const [plain, recorded] = part!.methods;
    expect(plain!.costs.iterations.at(-1)!.every((cost) => cost! > 0)).toBe(true);
    expect(plain!.speedUps.seconds.at(-1)!.median).toEqual({ kind: "measured", ratio: 1 });
    expect(recorded!.preparation.iterationsWithPreparation.median).toBeGreaterThan(0);
    expect(recorded!.preparation.iterations.median).toBe(0);
    // Both start from the same student.
    expect(recorded!.start).toEqual(plain!.start);

    const html = readFileSync(join(base, "smoke", "compare.html"), "utf8");
    expect(html).not.toMatch(/<script src|https?:\/\/(?!www\.w3\.org)/);
    // The verdict comes first, then each method's samples at every cost, the last of them shown.
    expect(html).toMatch(/<h1>.*<\/h1>\n<p class="sentence">.*diff-instruct.*<\/p>/);
    const [shown, ...others] = html.match(/<img [^>]*data-caption="[^"]*"[^>]*>/g)!.reverse();
    expect(shown).toMatch(/alt="samples, disback, iteration \d+, Wasserstein/);
    expect(shown).not.toContain(" hidden");
    expect(others.filter((image) => !image.includes(" hidden"))).toHaveLength(1);
    expect(html.match(/<svg /g)!.length).toBeGreaterThan(6);
    const plots = readdirSync(join(base, "smoke", "plots", "untrained"));
    expect(plots).toContain("slicedWasserstein-by-seconds.svg");
    const picture = join(base, "smoke", "plots", "untrained", "slicedWasserstein-by-seconds.png");
    expect((await sharp(picture).metadata()).width).toBeGreaterThan(1000);
  });
});

describe("a comparison", () => {
  it("goes on where a signal stopped it, and repeats nothing", async () => {
    const isFirstOver = () => {
      const runs = join(base, "stopped", "runs", "untrained", "diff-instruct");
      const [rates] = existsSync(runs) ? readdirSync(runs) : [];
      const record = rates && join(runs, rates, "seed-1", "run.json");
      return Boolean(record && existsSync(record) && readFileSync(record, "utf8").includes('"finished"'));
    };
    const flags = compare("stopped", "--jobs", "1");
    const stopped = await interrupted(flags, "SIGTERM", isFirstOver);
    expect(stopped.status).toBe(143);
    expect(stopped.stderr).toContain("finished runs are not repeated");
    expect(existsSync(join(base, "stopped", "compare.json"))).toBe(false);
    const before = startOf("stopped", "diff-instruct");

    const { status, stderr } = disback(...flags, "--json");
    expect(stderr).not.toContain("error");
    expect(status).toBe(0);
    expect(startOf("stopped", "diff-instruct")).toBe(before);
    expect(documentOf("stopped").cases[0]!.runs).toHaveLength(2);

    // Other settings are no continuation of it.
    const other = disback(...flags, "--iterations", "13");
    expect(other.status).toBe(1);
    expect(other.stderr).toMatch(
      /error: .*seed-1: was run with other settings; choose another --out, or .*--force/,
    );
  });

  it("chooses learning rates on seeds of their own", () => {
    const file = join(base, "sweep.yaml");
    writeFileSync(
      file,
      "learningRates: { student: [1.0e-5, 5.0e-3], auxiliaryFactors: [2], seeds: [101] }\n",
    );
    const { status, stderr } = disback(...compare("best", "--protocol", "best", "--config", file));
    expect(stderr).not.toContain("error");
    expect(stderr).toContain("choosing learning rates: 4 runs");
    expect(status).toBe(0);
    for (const { sweep, rates, convergence } of documentOf("best").cases[0]!.runs) {
      expect(sweep!.map((one) => one.rates.studentLearningRate)).toEqual([1e-5, 5e-3]);
      expect(sweep!.find((one) => one.rates.studentLearningRate === rates.studentLearningRate)!.score).toBe(
        Math.min(...sweep!.map((one) => one.score)),
      );
      expect(convergence.map((run) => run.seed)).toEqual([1]);
    }
  });

  it("tells which run failed, in one line", () => {
    const { status, stderr } = disback(...compare("failed", "--teacher", join(base, "nowhere")));
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: .*nowhere: no such model folder/m);
  });

  it("leaves foreign folders alone", () => {
    const { status, stderr } = disback("compare", "--preset", "2d-smoke", "--out", base);
    expect(status).toBe(1);
    expect(stderr).toContain("already in use by files that belong to no comparison");
  });
});

import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDataset } from "../../src/data/dataset.js";
import { requireDataPresent, requireSameData } from "../../src/runs/run-data.js";
import { RunFolder } from "../../src/runs/run-folder.js";
import { RUN_FORMAT, type RunRecord } from "../../src/runs/run-record.js";
import { withAbsolutePaths } from "../../src/runs/settings/paths.js";

const base = realpathSync(mkdtempSync(join(tmpdir(), "disback-run-data-")));
const before = process.cwd();
beforeAll(() => {
  mkdirSync(join(base, "photos"));
  writeFileSync(join(base, "stats.npz"), "");
  process.chdir(base);
});
afterAll(() => {
  process.chdir(before);
  rmSync(base, { recursive: true, force: true });
});

const record: RunRecord = {
  format: RUN_FORMAT,
  command: "distill",
  settings: {},
  seed: 0,
  versions: {},
  machine: {},
  startedAt: "2026-11-28T00:00:00Z",
  state: "running",
};

describe("the data of a run", () => {
  it("are the same again, wherever they are; others are refused unless they are welcome", async () => {
    const run = RunFolder.create(join(base, "run"), record);
    const ring = await openDataset("toy:ring?seed=1");
    await requireSameData(run, "toy:ring?seed=1", ring);
    expect(run.record.data).toEqual({
      source: "toy:ring?seed=1",
      samples: ring.length,
      fingerprint: await ring.fingerprint(),
    });
    await requireSameData(run, "elsewhere", ring);
    expect(run.record.data!.source).toBe("elsewhere");
    const other = await openDataset("toy:ring?seed=2");
    await expect(requireSameData(run, "moved", other)).rejects.toThrow(/^moved: .*--other-data/);
    expect(run.record.data!.source).toBe("elsewhere");
    await requireSameData(run, "moved", other, true);
    expect(run.record.data!.fingerprint).toBe(await other.fingerprint());
    run.close();
  });

  it("that are gone are asked for by flag", () => {
    expect(() => requireDataPresent(join(base, "gone"), "runs/a")).toThrow(/--data/);
    for (const there of [undefined, "toy:ring", join(base, "photos")]) requireDataPresent(there, "runs/a");
  });
});

it("paths among settings are absolute; names stay names", () => {
  const settings = {
    teacher: "2d-ring",
    data: "photos",
    student: "same",
    seed: 3,
    evaluation: { reference: "stats.npz", extractor: "fashion-mnist-16-classifier" },
  };
  expect(withAbsolutePaths(settings)).toEqual({
    ...settings,
    data: join(base, "photos"),
    evaluation: { reference: join(base, "stats.npz"), extractor: "fashion-mnist-16-classifier" },
  });
});

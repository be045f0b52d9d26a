import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { DisbackError, UsageError } from "../../src/errors.js";
import { describeSettings, settingsToYaml } from "../../src/runs/settings/describe.js";
import { distillSchema } from "../../src/runs/settings/distillation.js";
import { layer, place } from "../../src/runs/settings/layers.js";
import { resolveSettings, type SettingsSources } from "../../src/runs/settings/resolve.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-settings-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const presets = {
  demo: { teacher: "shipped", backtracking: { iterations: 200, batchSize: 64 } },
  broken: { teacher: "shipped", backtracking: { iterations: -1 } },
};
const resolve = (sources: Partial<SettingsSources>) =>
  resolveSettings(distillSchema, { presets, flags: {}, ...sources });
const file = (text: string) => {
  const path = join(folder, "settings.yaml");
  writeFileSync(path, text);
  return path;
};
const errorOf = (sources: Partial<SettingsSources>): Error => {
  try {
    resolve(sources);
  } catch (error) {
    return error as Error;
  }
  throw new Error("nothing thrown");
};

describe("where settings come from", () => {
  it("flags win over the file, the file over the preset, the preset over defaults", () => {
    const { settings, preset } = resolve({
      preset: "demo",
      file: file("backtracking:\n  batchSize: 32\n  stepsPerTarget: 5\nseed: 3\n"),
      flags: { backtracking: { batchSize: 16 } },
    });
    expect(preset).toBe("demo");
    expect(settings).toMatchObject({
      teacher: "shipped",
      seed: 3,
      method: "auto",
      backtracking: { iterations: 200, batchSize: 16, stepsPerTarget: 5 },
    });
    expect(settings.sigmaInit).toBe(2.5);
  });

  it("a file may name its preset", () => {
    expect(resolve({ file: file("preset: demo\n") }).settings.backtracking.iterations).toBe(200);
  });

  it("layers merge groups and replace the rest", () => {
    expect(layer({ a: { b: 1, c: [1, 2] } }, { a: { c: [3] }, d: undefined })).toEqual({
      a: { b: 1, c: [3] },
    });
    expect(place({ a: { b: 1 } }, "a.c", 2)).toEqual({ a: { b: 1, c: 2 } });
  });

  it("settings written as YAML give the same settings when read", () => {
    const { settings } = resolve({ preset: "demo" });
    const text = settingsToYaml(settings, distillSchema);
    expect(text).toContain("# student steps on each node before the next");
    expect(resolve({ file: file(text) }).settings).toEqual(settings);
    expect(parse(text)).toMatchObject({ teacher: "shipped" });
  });
});

describe("wrong settings are told in one line", () => {
  it.each<[Partial<SettingsSources>, string]>([
    [
      { flags: { teacher: "t", backtracking: { iterations: 0 } } },
      '"backtracking.iterations" must be at least 1, got 0',
    ],
    [
      { flags: { teacher: "t", backtracking: { iterations: 1.5 } } },
      '"backtracking.iterations" must be a whole number, got 1.5',
    ],
    [
      { flags: { teacher: "t", backtracking: { emaDecay: 1 } } },
      '"backtracking.emaDecay" must be less than 1, got 1',
    ],
    [{ flags: { teacher: "t", sigmaInit: 0 } }, '"sigmaInit" must be greater than 0, got 0'],
    [{ flags: { teacher: "t", sigmaInit: "big" } }, '"sigmaInit" must be a number, got "big"'],
    [{ flags: { teacher: "t", method: "dmd" } }, '"method" must be one of auto, disback, plain, got "dmd"'],
    [
      { flags: { teacher: "t", backtracking: { objective: "sids" } } },
      '"backtracking.objective" must be one of diff-instruct, vsd, dmd, dmd2, f-distill, sid, sida, sim, moment-matching, gkd, output-matching, consistency, ect, tcm, scm, meanflow, ladd, regression, supervised, got "sids"',
    ],
    [
      { flags: { teacher: "t", recording: { when: "always" } } },
      'unknown setting "recording.when" (did you mean "recording.steps"?)',
    ],
    [
      { flags: { teacher: "t", recording: { storage: "full" } } },
      '"recording.storage" must be one of difference, low-rank, got "full"',
    ],
    [
      { flags: { teacher: "t", ablation: { interpolation: -1 } } },
      '"ablation.interpolation" must be at least 0, got -1',
    ],
    [
      { flags: { teacher: "t", backtracking: { diffInstruct: { weighting: "two" } } } },
      '"backtracking.diffInstruct.weighting" must be one of one, edm, noise, score, got "two"',
    ],
    [
      { flags: { teacher: "t", backtracking: { diffInstruct: { noiseStandardDeviation: 0 } } } },
      '"backtracking.diffInstruct.noiseStandardDeviation" must be greater than 0, got 0',
    ],
    [
      { flags: { teacher: "t", recording: { noiseMean: "low" } } },
      '"recording.noiseMean" must be a number, got "low"',
    ],
    [
      { flags: { teacher: "t", device: "gpu" } },
      '"device" must be "cpu", "cuda" or "cuda:<number>", got "gpu"',
    ],
    [
      { flags: { teacher: "t", recording: { steps: 5, interval: 10, nodes: "even-steps" } } },
      '"recording.interval" of 10 must not be greater than steps, 5',
    ],
    [
      { flags: { teacher: "t", recording: { nodeSteps: [1] } } },
      '"recording.nodeSteps" belongs to nodes: even-steps',
    ],
    [
      { flags: { teacher: "t", recording: { teacherSamples: 100 } } },
      '"recording.teacherSamples" belongs to nodes: even-steps',
    ],
    [{ flags: { teacher: "t", recording: 5 } }, '"recording" must be a group of settings, got 5'],
    [{ flags: {} }, '"teacher" is required'],
    [
      { flags: { teacher: "t", backtracking: { bachSize: 3 } } },
      'unknown setting "backtracking.bachSize" (did you mean "backtracking.batchSize"?)',
    ],
    [
      { flags: { teacher: "t", backtraking: { iterations: 3 } } },
      'unknown setting "backtraking" (did you mean "backtracking"?)',
    ],
    [{ preset: "dmeo" }, 'unknown preset "dmeo" (did you mean "demo"?); there are: demo, broken'],
    [{ preset: "toString" }, 'unknown preset "toString"; there are: demo, broken'],
  ])("%j", (sources, message) => {
    const error = errorOf(sources);
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toBe(message);
  });

  it("names the flag where one was used", () => {
    const error = errorOf({
      flags: { teacher: "t", backtracking: { iterations: 0 } },
      flagNames: new Map([["backtracking.iterations", "--iterations"]]),
    });
    expect(error.message).toBe("--iterations must be at least 1, got 0");
  });

  it("names the file where the value stands in one", () => {
    const path = file("teacher: t\nsigmaInit: -1\n");
    const error = errorOf({ file: path });
    expect(error).not.toBeInstanceOf(UsageError);
    expect(error.message).toBe(`${path}: "sigmaInit" must be greater than 0, got -1`);
  });

  it("names the preset where that is wrong", () => {
    expect(errorOf({ preset: "broken" }).message).toBe(
      'preset broken: "backtracking.iterations" must be at least 1, got -1',
    );
  });

  it.each([
    ["a: [1\n", /settings\.yaml:\d+: not valid YAML/],
    ["- 1\n", /must hold settings as "name: value" lines/],
    ["just text", /must hold settings/],
  ])("refuses the file %j", (text, message) => {
    const error = errorOf({ file: file(text) });
    expect(error).toBeInstanceOf(DisbackError);
    expect(error.message).toMatch(message);
    expect(error.message).not.toContain("\n");
  });

  it("says when the file is missing", () => {
    expect(errorOf({ file: join(folder, "none.yaml") }).message).toMatch(
      /cannot read .*none.yaml: no such file/,
    );
  });
});

it("every setting has a description", () => {
  const settings = describeSettings(distillSchema);
  expect(settings.length).toBeGreaterThan(25);
  expect(settings.filter((setting) => setting.description === "").map((setting) => setting.path)).toEqual([]);
});

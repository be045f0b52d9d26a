import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { candidateRates, exponential, planRuns } from "../../../src/runs/compare/plan.js";
import { comparePresets } from "../../../src/runs/compare/presets.js";
import { type CompareSettings, compareSchema, methodsOf } from "../../../src/runs/settings/compare.js";
import { settingsToYaml } from "../../../src/runs/settings/describe.js";
import type { SettingsTree } from "../../../src/runs/settings/layers.js";
import { objectiveNames } from "../../../src/runs/settings/objective-names.js";
import { resolveSettings } from "../../../src/runs/settings/resolve.js";

const resolve = (flags: SettingsTree, preset?: string): CompareSettings =>
  resolveSettings(compareSchema, { presets: comparePresets, ...(preset ? { preset } : {}), flags }).settings;
const plan = (settings: CompareSettings, more: object = {}) =>
  planRuns(settings, {
    students: settings.students,
    methods: Object.keys(settings.methods),
    seeds: settings.seeds,
    ...more,
  });

describe("settings", () => {
  it.each(Object.keys(comparePresets))(
    "of preset %s plan runs with valid settings, by either protocol",
    (preset) => {
      const given = {
        ...(Object.hasOwn(comparePresets[preset]!, "teacher") ? {} : { teacher: "t" }),
        ...(/^objectives-(fashion|cifar|galaxies)/.test(preset) ? { common: { data: "d" } } : {}),
      };
      const settings = resolve({ ...given, protocol: "best" }, preset);
      const runs = plan(settings, { rates: () => candidateRates(settings) });
      expect(runs.length).toBe(
        settings.students.length *
          settings.seeds.length *
          Object.keys(settings.methods).length *
          candidateRates(settings).length,
      );
      expect(new Set(runs.map((run) => run.folder)).size).toBe(runs.length);
      expect(plan(resolve(given, preset)).every((run) => !run.settings.evaluation.teacher)).toBe(true);
    },
  );

  it.each(["ring", "checkerboard", "grid"])("of objectives-%s rank every objective", (data) => {
    const settings = resolve(data === "ring" ? {} : { teacher: "t" }, `objectives-${data}`);
    const others = ["gkd", "supervised", "output-matching"];
    expect(Object.keys(settings.methods)).toEqual(objectiveNames.filter((name) => !others.includes(name)));
    const runs = plan(settings, { rates: () => candidateRates(settings) });
    for (const { method, settings } of runs) {
      expect(settings.backtracking.objective).toBe(method);
      expect(settings).toMatchObject({ method: "plain", data: `toy:${data}` });
      expect(settings.backtracking.processorSeconds).toBe(4);
    }
    // Consistency starts from pure noise.
    const levels = new Map(runs.map(({ method, settings }) => [method, settings.sigmaInit]));
    expect([levels.get("ect"), levels.get("sim")]).toEqual([80, 2.5]);
  });

  it("of objectives-galaxies start at the noise level that suits galaxies, or an objective's own", () => {
    const settings = resolve({ teacher: "t", common: { data: "d" } }, "objectives-galaxies");
    const levels = new Map(plan(settings).map(({ method, settings }) => [method, settings.sigmaInit]));
    expect(levels.has("meanflow")).toBe(false);
    expect(["ect", "sim", "ladd"].map((name) => levels.get(name))).toEqual([80, 5, 5]);
  });

  it("of objectives-fashion-mnist-16: a quarter imitates the teacher first", () => {
    const settings = resolve({ common: { data: "d" } }, "objectives-fashion-mnist-16");
    const whens = plan(settings).map(({ student, settings }) => [student, settings.imitation.when]);
    expect(new Set(whens.map((one) => one.join()))).toEqual(new Set(["same,needed", "small,always"]));
  });

  it("run some of the methods, with the baseline", () => {
    const of = (only: string[], more: object = {}) => resolve({ only, ...more }, "objectives-ring");
    expect(methodsOf(of(["sid", "diff-instruct"]))).toEqual(["diff-instruct", "sid"]);
    expect(methodsOf(of(["sid"], { baseline: "sid" }))).toEqual(["sid"]);
    expect(() => of(["sid"])).toThrow("leaves out the baseline, diff-instruct");
    expect(() => of(["diff-instruct", "sids"])).toThrow('"sids" is not one of the methods: diff-instruct');
  });

  it("shown as YAML are the same when read again", () => {
    const settings = resolve({}, "2d-smoke");
    const yaml = settingsToYaml(settings, compareSchema);
    expect(compareSchema.parse(parse(yaml))).toEqual(settings);
  });

  it("take lists of seeds from flags", () => {
    expect(resolve({ teacher: "x", seeds: ["4", "5"] }).seeds).toEqual([4, 5]);
    expect(() => resolve({ teacher: "x", seeds: ["four"] })).toThrow(
      '"seeds.0" must be a number, got "four"',
    );
  });

  it.each([
    [{}, '"teacher" is required'],
    [{ teacher: "x", seed: 3 }, 'unknown setting "seed" (did you mean "seeds"?)'],
    [{ teacher: "x", baseline: "dmd" }, '"baseline" "dmd" is not one of the methods: diff-instruct, disback'],
    [{ teacher: "x", protocol: "best" }, '"learningRates" is required by the protocol best'],
    [{ teacher: "x", perStudent: { smal: {} } }, '"perStudent.smal" is not one of the students'],
    [
      { teacher: "x", seeds: [1, 2], learningRates: { student: [1e-4], seeds: [2] } },
      '"learningRates.seeds" contains 2, which is reported: choose rates on other seeds',
    ],
    [{ teacher: "x", methods: { "a/b": {} } }, '"methods.a/b" Invalid key in record'],
  ])("%j are refused in one line", (flags, message) => {
    expect(() => resolve(flags)).toThrow(message);
  });
});

describe("plan", () => {
  it("lays method over student over what is common", () => {
    const settings = resolve({
      teacher: "t",
      students: ["small"],
      seeds: [7],
      common: { data: "toy:ring", backtracking: { iterations: 5, batchSize: 3, emaDecay: 0.5 } },
      perStudent: { small: { backtracking: { iterations: 6, batchSize: 4 } } },
      methods: { "diff-instruct": { method: "plain", backtracking: { iterations: 9 } } },
    });
    const [run] = plan(settings, { methods: ["diff-instruct"] });
    expect(run!.settings).toMatchObject({
      teacher: "t",
      student: "small",
      seed: 7,
      threads: 1,
      method: "plain",
      backtracking: { iterations: 9, batchSize: 4, emaDecay: 0.5 },
    });
    expect(run!.folder).toMatch(/^runs.small.diff-instruct.rates-.*seed-7$/);
  });

  it("sets the rates of the sweep, and names the folder by them", () => {
    const settings = resolve({
      teacher: "t",
      learningRates: { student: [1e-4, 2.5e-5], auxiliaryFactors: [1, 3] },
    });
    const candidates = candidateRates(settings);
    expect(candidates[1]).toEqual({ studentLearningRate: 1e-4, auxiliaryLearningRate: 3e-4 });
    expect(candidates).toHaveLength(4);
    const runs = plan(settings, { seeds: [101], rates: () => candidates });
    expect(runs[1]!.settings.backtracking).toMatchObject(candidates[1]!);
    expect(runs[3]!.folder).toContain("rates-2.5e-5-7.5e-5");
    expect([1e-4, 2.5e-5, 1].map(exponential)).toEqual(["1e-4", "2.5e-5", "1e0"]);
  });

  it("runs the methods of a seed one after the other, for the same load", () => {
    const order = plan(resolve({ teacher: "t", students: ["same", "small"], seeds: [1, 2] }));
    expect(order.slice(0, 5).map((run) => [run.student, run.seed, run.method])).toEqual([
      ["same", 1, "diff-instruct"],
      ["same", 1, "disback"],
      ["same", 2, "diff-instruct"],
      ["same", 2, "disback"],
      ["small", 1, "diff-instruct"],
    ]);
  });

  it("says which method's settings are wrong", () => {
    const wrong = resolve({ teacher: "t", baseline: "mine", methods: { mine: { recording: { stepz: 3 } } } });
    expect(() => plan(wrong)).toThrow(
      'method mine, student same: unknown setting "recording.stepz" (did you mean "recording.steps"?)',
    );
    const fixed = resolve({ teacher: "t", baseline: "mine", methods: { mine: { seed: 3 } } });
    expect(() => plan(fixed)).toThrow('"methods.mine.seed" is the same for all runs');
  });
});

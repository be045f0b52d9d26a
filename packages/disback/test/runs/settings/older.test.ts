import { describe, expect, it } from "vitest";
import { distillSchema, recordSchema } from "../../../src/runs/settings/distillation.js";
import { inTodaysWords } from "../../../src/runs/settings/older.js";
import { teacherSchema } from "../../../src/runs/settings/teacher.js";

const translated = (settings: object) => inTodaysWords({ teacher: "t", ...settings });

describe("methods of older versions", () => {
  it("recorded where that was needed: today's auto", () => {
    expect(translated({ method: "disback", recording: { when: "needed", steps: 5 } })).toEqual({
      ...{ teacher: "t", method: "auto", recording: { steps: 5 } },
    });
  });

  it("recorded always: disback, after the imitation that there was", () => {
    const old = { method: "disback", recording: { when: "always" } };
    expect(translated({ ...old, student: "small", imitation: { steps: 300 } })).toEqual({
      ...{ teacher: "t", student: "small", method: "disback", recording: {} },
      imitation: { of: "step", steps: 300, when: "always" },
    });
    for (const more of [
      { student: "same", imitation: { steps: 300 } },
      { student: "small", imitation: { steps: 0 } },
    ])
      expect(translated({ ...old, ...more })).toEqual({
        teacher: "t",
        ...{ ...more, imitation: { of: "step", ...more.imitation } },
        method: "disback",
        recording: {},
      });
  });

  it("diff-instruct: the objective alone", () => {
    expect(translated({ method: "diff-instruct", recording: { when: "needed" } })).toEqual({
      ...{ teacher: "t", method: "plain", recording: {} },
    });
  });

  it("a copy learns no samples first; today's settings say what is imitated", () => {
    expect(translated({ method: "auto", imitation: { steps: 300 } })).toMatchObject({
      imitation: { of: "step", steps: 300 },
    });
    expect(translated({ method: "auto", imitation: { of: "auto" } })).toMatchObject({
      imitation: { of: "auto" },
    });
  });

  it("plain stays, and so does today's", () => {
    for (const method of ["plain", "auto", "disback"])
      expect(translated({ method, recording: { steps: 5 } })).toEqual({
        ...{ teacher: "t", method, recording: { steps: 5 } },
      });
  });
});

describe("what only comparisons vary", () => {
  it("has a group of its own", () => {
    const old = {
      recording: { steps: 5, storage: "half" },
      backtracking: { iterations: 7, use: "start", interpolation: 3 },
    };
    expect(translated(old)).toEqual({
      ...{ teacher: "t", recording: { steps: 5 }, backtracking: { iterations: 7 } },
      ablation: { use: "start", interpolation: 3, storage: "half" },
    });
    expect(translated({ recording: { storage: "full" } })).toMatchObject({ ablation: { storage: "full" } });
  });

  it("is left out where it was the default", () => {
    const old = { recording: { storage: "difference" }, backtracking: { use: "whole", interpolation: 0 } };
    expect(translated(old)).toEqual({ teacher: "t", recording: { storage: "difference" }, backtracking: {} });
  });

  it("that is there already stays", () => {
    expect(translated({ ablation: { interpolation: 1 }, recording: { storage: "full" } })).toEqual({
      ...{ teacher: "t", recording: {}, ablation: { interpolation: 1, storage: "full" } },
    });
  });
});

it("the data's standard deviation is the model's alone", () => {
  expect(translated({ training: { iterations: 3, sigmaData: 0.7 }, model: { sigmaData: 0.7 } })).toEqual({
    ...{ teacher: "t", training: { iterations: 3 }, model: { sigmaData: 0.7 } },
  });
});

it("the settings that were given are not changed", () => {
  const old = { method: "disback", recording: { when: "needed", storage: "half" } };
  const before = structuredClone(old);
  inTodaysWords(old);
  expect(old).toEqual(before);
});

/** Settings as the version before wrote them into run.json, defaults and all. */
const OLD_RECORDING = {
  ...{ steps: 300, interval: 50, nodes: "even-distance", maximumNodes: 6, storage: "difference" },
  ...{ batchSize: 128, learningRate: 1e-3 },
};
const OLD_BACKTRACKING = {
  ...{ iterations: 300, stepsPerTarget: 20, schedule: "mismatch", mismatchThreshold: 1.1, batchSize: 128 },
  ...{
    studentLearningRate: 1e-4,
    auxiliaryLearningRate: 2e-4,
    emaDecay: 0.99,
    use: "whole",
    interpolation: 0,
  },
};

it("whole settings of the version before are today's settings, none of them lost", () => {
  const { method, ...old } = {
    ...{ seed: 3, teacher: "t", student: "small", sigmaInit: 2.5, method: "disback" },
    recording: { ...OLD_RECORDING, when: "needed" },
    backtracking: OLD_BACKTRACKING,
  };
  const { use: _, interpolation: __, ...backtracking } = OLD_BACKTRACKING;
  const today = distillSchema.parse(inTodaysWords({ ...old, method }));
  expect(today).toMatchObject({
    ...{ seed: 3, teacher: "t", student: "small", sigmaInit: 2.5, method: "auto" },
    ...{ recording: OLD_RECORDING, backtracking },
  });
  expect(today.ablation).toBeUndefined();
  const { recording } = recordSchema.parse(
    inTodaysWords({ teacher: "t", recording: { ...OLD_RECORDING, when: "always" } }),
  );
  expect(recording).toMatchObject(OLD_RECORDING);
  const teacher = { data: "toy:ring", model: { network: "mlp", dimension: 2 } };
  expect(() => teacherSchema.parse({ ...teacher, training: { sigmaData: 0.5 } })).toThrow();
  expect(() =>
    teacherSchema.parse(inTodaysWords({ ...teacher, training: { sigmaData: 0.5 } })),
  ).not.toThrow();
});

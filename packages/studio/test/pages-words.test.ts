import { describe, expect, it } from "vitest";
import { dataTitle, FIGURES, figureName, methodTitle, settingsInUse } from "../src/pages/index.js";

describe("the names of figures", () => {
  it("are words, not fields", () => {
    for (const [field, { name, short }] of Object.entries(FIGURES))
      for (const text of [name, short ?? name]) {
        expect(text, field).toMatch(/^[A-Z]/);
        expect(text, field).not.toMatch(/[a-z][A-Z]/);
      }
    expect(figureName("gradientNorm")).toBe("Gradient norm of the student");
    expect(figureName("realLossTerm")).toBe("Real loss term");
  });
});

describe("the title of a run", () => {
  it.each([
    [{ teacher: "fashion-mnist-16" }, "Fashion-MNIST, 16×16"],
    [{ teacher: "2d-ring", data: "toy:ring" }, "Ring of points"],
    [{ data: "toy:moons?count=500" }, "Moons of points"],
    [{ data: "toy:moving-digits?frames=8" }, "Moving digits"],
    [{ teacher: "runs/mine/teacher", data: "../photos/shapes.tar.gz" }, "shapes"],
    [{ teacher: "runs/flowers/teacher" }, "flowers"],
    [{ teacher: "C:\\runs\\flowers\\student" }, "flowers"],
    [{ data: "/data/train" }, "Run"],
    [{}, "Run"],
    [{ data: 5 }, "Run"],
  ])("%j is %s", (settings, title) => {
    expect(dataTitle({ command: "distill", settings })).toBe(title);
  });

  it.each([
    [
      "distill",
      { method: "disback", backtracking: { objective: "diff-instruct" } },
      "DisBack with Diff-Instruct",
    ],
    ["distill", { method: "plain", backtracking: { objective: "sid" } }, "SiD"],
    ["distill", { method: "diff-instruct" }, "diff-instruct"],
    ["backtrack", { backtracking: { objective: "dmd2" } }, "DisBack with DMD2"],
    ["teacher train", {}, "teacher"],
  ])("%s with %j is %s", (command, settings, title) => {
    expect(methodTitle({ command, settings })).toBe(title);
  });
});

describe("settings in use", () => {
  const settings = {
    seed: 0,
    tf32: false,
    onDivergence: "stop",
    rollbackFactor: 0.3,
    imitation: { steps: 300 },
    recording: { steps: 12 },
    backtracking: {
      objective: "dmd",
      schedule: "steps",
      stepsPerTarget: 4,
      mismatchThreshold: 1.1,
      pairs: { count: 1000 },
      dmd: { regressionWeight: 0.25 },
      diffInstruct: { weighting: "one" },
      consistency: { levels: 18 },
    },
  };

  it("are those of the objective and the stages that there were", () => {
    expect(settingsInUse(settings, new Set(["record", "backtrack"]))).toEqual({
      seed: 0,
      onDivergence: "stop",
      recording: { steps: 12 },
      backtracking: {
        objective: "dmd",
        schedule: "steps",
        stepsPerTarget: 4,
        pairs: { count: 1000 },
        dmd: { regressionWeight: 0.25 },
      },
    });
  });

  it("leave out the teacher's samples where the objective asks for none", () => {
    const backtracking = {
      objective: "diff-instruct",
      pairs: { count: 1000 },
      diffInstruct: { weighting: "one" },
    };
    expect(settingsInUse({ backtracking }, new Set())).toEqual({
      backtracking: { objective: "diff-instruct", diffInstruct: { weighting: "one" } },
    });
  });
});

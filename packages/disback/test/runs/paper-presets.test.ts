import { expect, test } from "vitest";
import { paperPresets } from "../../src/runs/paper-presets.js";
import { distillPresets } from "../../src/runs/presets.js";
import { distillSchema } from "../../src/runs/settings/distillation.js";
import { resolveSettings } from "../../src/runs/settings/resolve.js";

test.each(Object.keys(paperPresets))("preset %s is valid, and keeps its objective's name", (preset) => {
  const flags = { teacher: "t", data: "images" };
  const { settings } = resolveSettings(distillSchema, { presets: distillPresets, preset, flags });
  expect(preset.startsWith(settings.backtracking.objective)).toBe(true);
  expect(settings).toMatchObject({ method: "plain", student: "same" });
  expect(settings.backtracking.betas).toHaveLength(2);
});

test("the averages' half-lives are half a million samples", () => {
  const { emaDecay } = paperPresets["sid-cifar10"]!.backtracking as { emaDecay: number };
  expect(emaDecay ** (500_000 / 256)).toBeCloseTo(0.5, 4);
});

test.each([
  ["generator", "dcgan", "diff-instruct"],
  ["generator-2d", "mlp", "diff-instruct"],
  ["gan", "small", "output-matching"],
  ["tasks", "same", "diff-instruct"],
])("preset %s is valid", (preset, student, objective) => {
  const { settings } = resolveSettings(distillSchema, {
    presets: distillPresets,
    preset,
    flags: { teacher: "t" },
  });
  expect(settings).toMatchObject({ student, backtracking: { objective } });
});

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it, vi } from "vitest";
import { comparePresets } from "../../src/runs/compare/presets.js";

vi.setConfig({ testTimeout: 120_000 });

it("the ranking runs every objective in a short version", () => {
  const script = fileURLToPath(new URL("../../../../bench/ranking.mjs", import.meta.url));
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, "--smoke"], { encoding: "utf8" });
  expect(status, stderr).toBe(0);
  const runs = stdout
    .trim()
    .split("\n")
    .map((line) => line.split("  "));
  const { methods } = comparePresets["objectives-ring"] as { methods: object };
  expect(runs.map(([, , objective]) => objective)).toEqual(Object.keys(methods));
  // Each ends with its steps and a finite figure: none diverged.
  for (const [, , , , , steps, figure] of runs) {
    expect(steps).toMatch(/^\d+ steps$/);
    expect(Number(figure)).toBeGreaterThan(0);
  }
});

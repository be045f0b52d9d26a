import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { tellBetter } from "../../src/runs/best-model.js";

let run: string;
beforeAll(() => {
  run = mkdtempSync(join(tmpdir(), "disback-better-"));
});
afterAll(() => rmSync(run, { recursive: true, force: true }));

it("an earlier model that is clearly better than the last one is named with its figures", () => {
  expect(tellBetter(run, { fid: 52 })).toBeUndefined();
  mkdirSync(join(run, "student-best"));
  writeFileSync(
    join(run, "student-best", "best.json"),
    JSON.stringify({ figure: "fid", value: 16, iteration: 100 }),
  );
  expect(tellBetter(run, { fid: 52 })).toBe(
    "student-best/ is better than the end: FID 16 at iteration 100, 52 at the end",
  );
  expect(tellBetter(run, { fid: 17 })).toBeUndefined();
  expect(tellBetter(run, {})).toBeUndefined();
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { locateModel } from "../../src/runs/locate-model.js";

let base: string;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), "disback-locate-"));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** A run's folder with some models in it. */
function run(name: string, ...models: string[]): string {
  const folder = join(base, name);
  for (const place of [folder, ...models.map((model) => join(folder, model))]) mkdirSync(place);
  writeFileSync(join(folder, "run.json"), "{}");
  for (const model of models) writeFileSync(join(folder, model, "config.json"), "{}");
  return folder;
}

it("finds a finished run's student, or teacher", () => {
  expect(locateModel(run("done", "student", "student-best"))).toBe(join(base, "done", "student"));
  expect(locateModel(run("taught", "teacher"))).toBe(join(base, "taught", "teacher"));
});

it("names the best model so far of a run that was stopped", () => {
  const stopped = run("stopped early", "student-best");
  expect(() => locateModel(stopped)).toThrow(
    `${stopped}: this run has no finished model yet; its best so far is '${stopped}/student-best'`,
  );
  expect(() => locateModel(run("begun"))).toThrow(/this run has no finished model yet$/);
});

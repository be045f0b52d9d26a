import { manualSeed } from "@disback/torch";
import { expect, it } from "vitest";

const { distillMyTeacher } = await import(
  new URL("../../../../examples/own-teacher.mjs", import.meta.url).href
);

it("a teacher of the user's own is distilled by the public interface", () => {
  manualSeed(0);
  const start = distillMyTeacher({ training: 300, iterations: 1 });
  manualSeed(0);
  const end = distillMyTeacher({ training: 300, iterations: 150 });
  expect(start).toBeGreaterThan(0.3);
  expect(end).toBeLessThan(0.6 * start);
});

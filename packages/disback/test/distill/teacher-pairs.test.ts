import { Generator } from "@disback/torch";
import { expect, it } from "vitest";
import { teacherPairs, teacherPairsInParts } from "../../src/distill/teacher-pairs.js";
import { DenoiserStudent, openDenoiser } from "../../src/index.js";

it("pairs are the same in parts, with a report after each, and can be stopped between them", async () => {
  const { module: teacher } = await openDenoiser("2d-ring", { device: "cpu" });
  const student = new DenoiserStudent(teacher.clone(), { sigmaInit: 2.5 });
  const options = { count: 10, batchSize: 4, steps: 2, seed: 3 };
  const reports: number[] = [];
  const parts = await teacherPairsInParts(teacher, student, options, async (done) => {
    reports.push(done);
  });
  expect(reports).toEqual([4, 8, 10]);
  const whole = teacherPairs(teacher, student, options);
  const [a, b] = [parts, whole].map((pool) => pool.draw(50, new Generator(0)));
  for (const name of ["samples", "latents"] as const)
    expect(a![name]!.sub(b![name]!).abs().max().item()).toBe(0);

  const stopped = teacherPairsInParts(teacher, student, options, async (done) => {
    if (done === 8) throw new Error("stopped");
  });
  await expect(stopped).rejects.toThrow("stopped");
});

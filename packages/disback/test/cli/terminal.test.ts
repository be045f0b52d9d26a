import { PassThrough } from "node:stream";
import { TorchError } from "@disback/torch";
import { expect, it, vi } from "vitest";
import { describeFailure } from "../../src/cli/failure.js";
import { ProgressLines } from "../../src/cli/progress.js";
import { table } from "../../src/cli/table.js";
import { DisbackError, UsageError } from "../../src/errors.js";
import { shortBytes, shortDuration, shortNumber } from "../../src/runs/wording.js";

it("progress that is no terminal is plain lines, some seconds apart, the last one always", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const stream = new PassThrough();
  const lines = new ProgressLines(stream);
  lines.start("backtracking", 100, 0);
  for (let done = 1; done <= 100; done++) {
    vi.advanceTimersByTime(100);
    lines.update(done, { loss: 0.25, fid: 17.234, gap: 1, target: 2, memoryBytes: 1.5e9 });
  }
  lines.finish();
  vi.useRealTimers();
  expect((stream.read() as Buffer).toString().split("\n")).toEqual([
    "backtracking: 100 iterations",
    "backtracking: 50/100, 10/s, 5 s left, loss 0.25, FID 17.2, target 2, 1.5 GB",
    "backtracking: 100/100, 10/s, 0 s left, loss 0.25, FID 17.2, target 2, 1.5 GB",
    "",
  ]);
});

it("an evaluation is shown beside the iterations, and the time left is the stage's own", () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const stream = new PassThrough();
  const lines = new ProgressLines(stream);
  lines.start("distilling", 100, 0);
  lines.update(10, { loss: 0.5 }, { rate: 4, secondsLeft: 80 });
  for (let done = 0; done <= 2000; done += 500) {
    vi.advanceTimersByTime(3000);
    lines.aside("judging", done, 2000);
  }
  lines.aside(undefined);
  lines.finish();
  vi.useRealTimers();
  expect((stream.read() as Buffer).toString().split("\n")).toEqual([
    "distilling: 100 iterations",
    "distilling: 10/100, 4/s, 1 min 20 s left, loss 0.5",
    "distilling: 10/100, judging 500 of 2,000 samples",
    "distilling: 10/100, judging 1,500 of 2,000 samples",
    "",
  ]);
});

it("progress on a GPU says what its tensors held at most", () => {
  const stream = new PassThrough();
  const lines = new ProgressLines(stream);
  lines.start("recording", 1, 0);
  lines.update(1, { memoryBytes: 3e9, peakMemoryBytes: 5.25e9 });
  lines.finish();
  expect(String(stream.read())).toMatch(/, 3 GB \(peak 5\.25 GB\)\n$/);
});

it("a table has its figures under one another", () => {
  expect(
    table([
      ["", "NFE", "FID"],
      ["student", "1", "9.2"],
      ["teacher", "35", "4.1"],
    ]),
  ).toBe(["         NFE  FID", "───────  ───  ───", "student    1  9.2", "teacher   35  4.1"].join("\n"));
});

it.each([
  [new UsageError("--x: wrong"), 2, "--x: wrong"],
  [new DisbackError("a.yaml: wrong\nsecond line"), 1, "a.yaml: wrong?second line"],
  [new TorchError("conv2d: shapes"), 1, "conv2d: shapes"],
  [
    Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", path: "/a/b" }),
    1,
    "/a/b: ENOSPC: no space left on device, write",
  ],
  [new TypeError("x is not a function"), 70, "x is not a function"],
  ["text", 1, "text"],
])("%s exits with %d", (error, exitCode, message) => {
  const failure = describeFailure(error);
  expect(failure).toMatchObject({ exitCode, message });
  expect(failure.stack === undefined).toBe(exitCode !== 70);
});

it("numbers are short", () => {
  expect([314.159, 0.012345, 4, 38400, 1.5e-7, Number.NaN].map(shortNumber)).toEqual([
    "314",
    "0.0123",
    "4",
    "38,400",
    "1.5e-7",
    "NaN",
  ]);
  expect([4, 200, 7500].map(shortDuration)).toEqual(["4 s", "3 min 20 s", "2 h 5 min"]);
  expect([512, 864_000, 25.3e9].map(shortBytes)).toEqual(["512 B", "864 kB", "25.3 GB"]);
});

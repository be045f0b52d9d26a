/// <reference lib="dom" />
import { expect, it, vi } from "vitest";

it("plays the frames of all clips in order, until it stops", async () => {
  vi.useFakeTimers();
  const { frameOf, play, stop } = await import("../page/clips.js");
  // 2 clips of 1 channel, 3 frames of 1 x 2.
  const samples = Float32Array.from({ length: 12 }, (_, index) => index);
  expect([...frameOf(samples, [1, 3, 1, 2], 1)]).toEqual([2, 3, 8, 9]);
  const canvas = {} as HTMLCanvasElement;
  const shown: number[] = [];
  play(canvas, samples, [1, 3, 1, 2], (frame, shape) => {
    expect(shape).toEqual([1, 1, 2]);
    shown.push(frame[0]! / 2);
  });
  vi.advanceTimersByTime(480);
  stop(canvas);
  const seen = shown.length;
  vi.advanceTimersByTime(480);
  expect(shown.length).toBe(seen);
  expect(seen).toBeGreaterThanOrEqual(4);
  for (const [at, frame] of shown.slice(2).entries()) expect(frame).toBe((shown[at + 1]! + 1) % 3);
  vi.useRealTimers();
});

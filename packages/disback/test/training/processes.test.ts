import { fileURLToPath } from "node:url";
import { cudaDeviceCount, whyNoNccl } from "@disback/torch";
import { beforeAll, expect, test, vi } from "vitest";
import { inGroup, printed } from "../../../../test-support/processes.js";

// Up to four processes of twelve trainings each.
vi.setConfig({ testTimeout: 240_000 });

const member = fileURLToPath(new URL("processes-member.mjs", import.meta.url));

type Steps = Record<string, { gradients: Record<string, number[]>; figures: Record<string, number>[] }>;

let alone: Steps;
beforeAll(async () => {
  alone = (await printed(member, [])) as Steps;
});

const norm = (values: readonly number[]) => Math.hypot(...values);
const difference = (a: readonly number[], b: readonly number[]) => norm(a.map((value, k) => value - b[k]!));

/** Every process's gradients and figures are those of one alone, and all have the same figures. */
function expectSame(members: Steps[], whole: Steps, relative: number, digits: number): void {
  for (const steps of members) {
    for (const [name, { gradients, figures }] of Object.entries(whole)) {
      const shared = steps[name]!;
      expect(Object.keys(shared.gradients), name).toEqual(Object.keys(gradients));
      for (const [update, gradient] of Object.entries(gradients)) {
        expect(norm(gradient)).toBeGreaterThan(0);
        const apart = difference(gradient, shared.gradients[update]!) / norm(gradient);
        expect(apart, `${name}, update ${update}`).toBeLessThan(relative);
      }
      for (const [step, expected] of figures.entries()) {
        for (const [figure, value] of Object.entries(expected))
          expect(shared.figures[step]![figure], `${name}, ${figure}`).toBeCloseTo(value, digits);
      }
    }
    // Decisions are made of the figures: not about the same, but the same.
    expect(steps).toEqual(members[0]);
  }
}

test.each([
  [1, "whole", 16],
  [2, "whole", 16],
  [4, "whole", 16],
  [2, "sharded", 16],
  [1, "whole", 4],
  [2, "sharded", 4],
])(
  "every loop in %i processes (optimizer %s), of 16 samples %i at once, is that of one with the same batch",
  async (size, optimizer, microBatch) => {
    const members = (await inGroup(member, size, optimizer, String(microBatch))) as Steps[];
    expectSame(members, alone, 1e-6, 4);
  },
);

const absence = whyNoNccl() ?? (cudaDeviceCount() < 2 ? "there is one GPU only" : undefined);
test.skipIf(absence !== undefined).each(["whole", "sharded"])(
  "every loop in two processes on two GPUs (optimizer %s) is that of one on a GPU with the same batch",
  async (optimizer) => {
    const [one, members] = (await Promise.all([
      printed(member, ["whole", "16", "cuda"]),
      inGroup(member, 2, optimizer, "16", "cuda"),
    ])) as [Steps, Steps[]];
    // Kernels differ with the batch, and add up in another order.
    expectSame(members, one, 1e-4, 3);
  },
);
/** Loops of training, and how many networks' updates a step of each is. */
const UPDATES = {
  ...{ teacher: 1, recording: 1, imitation: 1, consistency: 1, regression: 1 },
  ...{ "diff-instruct": 2, "diff-instruct of images": 2, "diff-instruct in two steps": 3 },
  ...{ vsd: 2, dmd: 2, dmd2: 2, sid: 2 },
};
test("every loop is looked at, on the CPU and on GPUs, in every update of its first step and figure of three", () => {
  if (absence) console.log(`two GPUs: not run, ${absence}`);
  const updates = Object.entries(alone).map(([name, { gradients }]) => [name, Object.keys(gradients).length]);
  expect(Object.fromEntries(updates)).toEqual(UPDATES);
  for (const [name, { figures }] of Object.entries(alone)) {
    expect(figures, name).toHaveLength(3);
    for (const { loss, gradientNorm } of figures) {
      expect(Number.isFinite(loss), name).toBe(true);
      expect(gradientNorm, name).toBeGreaterThan(0);
    }
    // Another batch in every step.
    expect(new Set(figures.map(({ loss }) => loss)).size, name).toBe(3);
  }
});

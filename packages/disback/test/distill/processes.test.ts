import { fileURLToPath } from "node:url";
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
    for (const steps of members) {
      for (const [name, { gradients, figures }] of Object.entries(alone)) {
        const shared = steps[name]!;
        expect(Object.keys(shared.gradients), name).toEqual(Object.keys(gradients));
        for (const [update, gradient] of Object.entries(gradients)) {
          expect(norm(gradient)).toBeGreaterThan(0);
          const apart = difference(gradient, shared.gradients[update]!) / norm(gradient);
          expect(apart, `${name}, update ${update}`).toBeLessThan(1e-6);
        }
        for (const [step, expected] of figures.entries()) {
          for (const [figure, value] of Object.entries(expected))
            expect(shared.figures[step]![figure], `${name}, ${figure}`).toBeCloseTo(value, 4);
        }
      }
      // Decisions are made of the figures: not about the same, but the same.
      expect(steps).toEqual(members[0]);
    }
  },
);

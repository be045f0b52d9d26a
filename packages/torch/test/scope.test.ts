import { keep, memoryStatistics, Scope, scope, TorchError, tensor, zeros } from "@disback/torch";
import { expect, test } from "vitest";

const alive = () => memoryStatistics().tensors;

test("a scope releases what it created, except its result and what was kept", () => {
  const before = alive();
  let inner: ReturnType<typeof zeros> | undefined;
  let kept: ReturnType<typeof zeros> | undefined;
  const result = scope(() => {
    inner = zeros([10]);
    kept = keep(zeros([3]));
    return { values: [inner.add(1)], map: new Map([["a", zeros([2])]]) };
  });
  expect(inner!.disposed).toBe(true);
  expect(kept!.disposed).toBe(false);
  expect(result.values[0]!.toArray()).toHaveLength(10);
  expect(result.map.get("a")!.disposed).toBe(false);
  expect(alive() - before).toBe(3);
  for (const t of [kept!, result.values[0]!, result.map.get("a")!]) t.dispose();
  expect(alive()).toBe(before);
});

test("results of an inner scope belong to the outer one", () => {
  const before = alive();
  scope(() => {
    const middle = scope(() => zeros([4]).add(1));
    expect(middle.disposed).toBe(false);
  });
  expect(alive()).toBe(before);
});

test("an error releases the scope's tensors", () => {
  const before = alive();
  expect(() =>
    scope(() => {
      zeros([5]);
      throw new Error("stop");
    }),
  ).toThrow("stop");
  expect(alive()).toBe(before);
});

test("asynchronous bodies and crossed scopes are refused", () => {
  expect(() => scope(async () => 1)).toThrow(TorchError);
  const outer = new Scope();
  const inner = new Scope();
  expect(() => outer.dispose()).toThrow(/reverse order/);
  inner.dispose();
});

test("memory does not grow over many steps", () => {
  const weight = tensor(
    [
      [0.5, -0.5],
      [0.25, 1],
    ],
    { requiresGrad: true },
  );
  const step = () =>
    scope(() => {
      weight.grad = undefined;
      zeros([64, 2]).add(1).matmul(weight).square().sum().backward();
    });
  for (let i = 0; i < 20; i++) step();
  const { tensors, live } = memoryStatistics();
  for (let i = 0; i < 500; i++) step();
  expect(memoryStatistics().tensors).toBe(tensors);
  expect(memoryStatistics().live).toBe(live);
});

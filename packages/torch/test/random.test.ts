import { defaultGenerator, Generator, manualSeed, ops, rand, randn, zeros } from "@disback/torch";
import { expect, test } from "vitest";

test("a saved state continues the stream exactly", () => {
  const generator = new Generator(11);
  randn([7], { generator });
  const state = generator.getState();
  const first = randn([5], { generator }).data();
  generator.setState(state);
  expect(randn([5], { generator }).data()).toEqual(first);
});

test("generators are independent, equal seeds give equal streams", () => {
  const a = new Generator(5);
  const b = new Generator(5);
  rand([100], { generator: new Generator(5) });
  expect(rand([4], { generator: a }).data()).toEqual(rand([4], { generator: b }).data());
});

test("the default generator rules dropout", () => {
  const ones = zeros([50]).add(1);
  manualSeed(1);
  const mask = ops.dropout(ones, 0.5, true).data();
  expect(ops.dropout(ones, 0.5, true).data()).not.toEqual(mask);
  defaultGenerator().manualSeed(1);
  expect(ops.dropout(ones, 0.5, true).data()).toEqual(mask);
});

test("a state of the wrong size is refused", () => {
  expect(() => new Generator(0).setState(new Uint8Array(3))).toThrow();
});

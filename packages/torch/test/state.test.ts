import {
  CheckpointError,
  extractState,
  Generator,
  generatorState,
  loadGeneratorState,
  mergeStates,
  ones,
  prefixState,
  randn,
  type State,
} from "@disback/torch";
import { expect, test } from "vitest";
import { expectEqual } from "./fixture.js";

test("states nest under names and come apart again", () => {
  const inner: State = { tensors: new Map([["a", ones([2])]]), values: { lr: 0.5 } };
  const other: State = { tensors: new Map(), values: { iteration: 3 } };
  const all = prefixState("run", mergeStates(prefixState("adam", inner), prefixState("loader", other)));
  expect([...all.tensors.keys()]).toEqual(["run.adam.a"]);
  expect(all.values).toEqual({ run: { adam: { lr: 0.5 }, loader: { iteration: 3 } } });
  const back = extractState("adam", extractState("run", all));
  expect(back.values).toEqual({ lr: 0.5 });
  expectEqual(back.tensors.get("a"), ones([2]));
});

test("what is missing or named twice is said", () => {
  const state: State = { tensors: new Map([["a", ones([2])]]), values: { x: 1 } };
  expect(() => extractState("adam", state)).toThrow(CheckpointError);
  expect(() => mergeStates(state, state)).toThrow('two tensors are named "a"');
  expect(() => mergeStates({ ...state, tensors: new Map() }, state)).toThrow('two values are named "x"');
});

test("a generator's state goes through a State", () => {
  const generator = new Generator(3);
  randn([5], { generator });
  const state = generatorState(generator);
  const expected = randn([7], { generator });
  loadGeneratorState(generator, state);
  expectEqual(randn([7], { generator }), expected);
});

import { Generator, rand, randint, randn, randperm } from "@disback/torch";
import { describe, expect, test } from "vitest";
import { expectEqual, Fixture } from "./fixture.js";

const fixture = new Fixture("random.safetensors");

describe.each([0, 1234, 2 ** 40 + 7])("seed %d gives PyTorch's numbers", (seed) => {
  test("randn, rand, randint, randperm and the state between", () => {
    const generator = new Generator(seed);
    expectEqual(randn([3, 5], { generator }), fixture.get(`${seed}.randn`), "randn");
    expectEqual(randn([4, 33], { generator }), fixture.get(`${seed}.randnLarge`), "randn of many");
    expectEqual(rand([7], { generator }), fixture.get(`${seed}.rand`), "rand");
    expectEqual(randint(-5, 1000, [11], { generator }), fixture.get(`${seed}.randint`), "randint");
    expectEqual(randperm(50, { generator }), fixture.get(`${seed}.randperm`), "randperm");
    const double = randn([20], { generator, dtype: "float64" });
    expectEqual(double, fixture.get(`${seed}.randnDouble`), "randn in double precision");
    expect(Buffer.from(generator.getState()).equals(Buffer.from(fixture.get(`${seed}.state`).bytes()))).toBe(
      true,
    );
    expectEqual(randn([4], { generator }), fixture.get(`${seed}.after`), "after the state was read");
  });

  test("a state from PyTorch continues here", () => {
    const generator = new Generator(99);
    generator.setState(fixture.get(`${seed}.state`).bytes());
    expectEqual(randn([4], { generator }), fixture.get(`${seed}.after`));
  });
});

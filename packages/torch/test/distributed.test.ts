import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { inGroup } from "../../../test-support/processes.js";
import { ProcessGroup } from "../src/index.js";

const member = fileURLToPath(new URL("distributed-member.mjs", import.meta.url));

test("collectives reduce, copy and gather over three processes", async () => {
  const expected = [
    [6, 30],
    [3, 20],
    [1, 0],
    [1, 0],
    [2, 10],
    [3, 20],
  ];
  expect(await inGroup(member, 3, "collectives")).toEqual([expected, expected, expected]);
});

test("gradients of 1, 2 and 4 processes are those of the whole batch", async () => {
  const [[alone], two, four] = (await Promise.all(
    [1, 2, 4].map((size) => inGroup(member, size, "gradients")),
  )) as [number[][][], number[][][], number[][][]];
  for (const gradients of [...two, ...four]) {
    for (const [index, gradient] of gradients.entries()) {
      const whole = alone![index]!;
      const largest = Math.max(...whole.map(Math.abs));
      const difference = Math.max(...whole.map((value, k) => Math.abs(value - gradient[k]!)));
      expect(difference / largest).toBeLessThan(1e-6);
    }
  }
});

test("a rank that died is named within the time that was set", async () => {
  const began = performance.now();
  const [first, , third] = await inGroup(member, 3, "missing");
  for (const survivor of [first, third]) {
    expect(survivor).toMatchObject({ name: "LostProcesses", ranks: [1] });
    expect((survivor as Error).message).toMatch(/^rank 1 of 3 processes is gone or hangs/);
  }
  expect(performance.now() - began).toBeLessThan(30_000);
});

test("a launcher's variables that are missing or wrong are named", () => {
  const join = (variables: Record<string, string>) => () => ProcessGroup.fromEnvironment({}, variables);
  expect(join({})()).toBeUndefined();
  const rest = { MASTER_ADDR: "127.0.0.1", MASTER_PORT: "29500" };
  expect(join({ WORLD_SIZE: "2", ...rest })).toThrow("RANK is not set");
  expect(join({ WORLD_SIZE: "2", RANK: "2", ...rest })).toThrow(
    'RANK must be a whole number from 0 to 1, not "2"',
  );
  expect(join({ WORLD_SIZE: "2", RANK: "0", MASTER_PORT: "1" })).toThrow("MASTER_ADDR is not set");
});

import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { freePort, inGroup } from "../../../test-support/processes.js";
import { gpuOf } from "../src/distributed.js";
import { cudaDeviceCount, type Device, ProcessGroup, whyNoNccl, zeros } from "../src/index.js";

const member = fileURLToPath(new URL("distributed-member.mjs", import.meta.url));

// On GPUs with as many processes as there are GPUs, at most two: with one it is NCCL all the same.
const onGpus = Math.min(2, cudaDeviceCount());
const absence = whyNoNccl();
test.skipIf(absence !== undefined)("collectives on GPUs are those on the CPU", async () => {
  const onCpu = await inGroup(member, onGpus, "collectives");
  expect(await inGroup(member, onGpus, "collectives", "cuda")).toEqual(onCpu);
});

test.skipIf(absence !== undefined)("gradients on GPUs are those of the whole batch on the CPU", async () => {
  const [alone] = (await inGroup(member, 1, "gradients")) as number[][][];
  for (const gradients of (await inGroup(member, onGpus, "gradients", "cuda")) as number[][][])
    for (const [index, gradient] of gradients.entries())
      for (const [k, value] of gradient.entries()) expect(value).toBeCloseTo(alone![index]![k]!, 4);
});

test.skipIf(onGpus < 2 || absence !== undefined)("a rank that died is named on GPUs too", async () => {
  const [survivor] = await inGroup(member, 2, "missing", "cuda");
  expect(survivor).toMatchObject({ name: "LostProcesses", ranks: [1] });
});

test("GPUs need NCCL, and say why there is none", async () => {
  if (absence !== undefined) {
    console.log(`NCCL: not run, ${absence}`);
    const port = await freePort();
    const join = () => ProcessGroup.join({ rank: 0, size: 1, address: "127.0.0.1", port, device: "cuda" });
    expect(join).toThrow(`cuda in several processes: ${absence}`);
  }
  expect(gpuOf("cpu", () => "none")).toBeUndefined();
  expect(gpuOf("cuda:1", () => undefined)).toBe("cuda:1");
  expect(() => gpuOf("cuda", () => "no headers")).toThrow("cuda in several processes: no headers");
  const metal = "mps" as Device;
  expect(() => gpuOf(metal, () => undefined)).toThrow("mps in several processes: groups have tensors on");
});

test("a tensor on another device than the group's is refused", async () => {
  const port = await freePort();
  const group = ProcessGroup.join({ rank: 0, size: 1, address: "127.0.0.1", port, name: "cpu only" });
  const elsewhere = zeros([2], { device: "meta" });
  expect(() => group.allReduce(elsewhere)).toThrow(
    "the tensor is on meta, but the group was joined for the CPU",
  );
  group.leave();
});

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
  expect(join({ WORLD_SIZE: "2", RANK: "0", MASTER_PORT: "1" })).toThrow(
    "MASTER_ADDR (the host of rank 0) is not set",
  );
});

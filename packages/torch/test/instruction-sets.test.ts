// The kernels of each instruction set that libtorch may choose. Their values are checked in nn/group-norm.test.ts and
// optim/update.test.ts, with the processor's best.
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

// Prints what every kernel of ours makes of the same numbers, one list for each.
const script = `
import { call, fromTypedArray, gradient } from "@disback/torch";
const numbers = (shape, seed) => {
  const count = shape.reduce((product, size) => product * size, 1);
  return fromTypedArray(Float32Array.from({ length: count }, (_, i) => ((i * 7919 + seed * 104729) % 2003) / 500 - 2), shape);
};
const results = {};
for (const silu of [true, false])
  for (const layout of ["contiguous", "channels_last"]) {
    const x = numbers([2, 44, 9, 5], 1).contiguous(layout).requiresGrad_(true);
    const weight = numbers([44], 2).requiresGrad_(true), bias = numbers([44], 3).requiresGrad_(true);
    const y = call("disback::group_norm", "", x, 11, weight, bias, 1e-5, silu);
    results["group norm " + layout + silu] = [y, ...gradient([y.square().sum()], [x, weight, bias])];
  }
const gradients = [numbers([4099], 4), numbers([3, 5], 5)];
gradients[0].narrow(0, 17, 1).fill_(NaN);
results["clean"] = [call("disback::clean_", "", gradients, 0, 1e5, -1e5), ...gradients];
for (const weight of [0.01, 0.9]) {
  const averages = [numbers([4099], 6), numbers([3, 5], 7)];
  call("disback::lerp_", "", averages, [numbers([4099], 8), numbers([3, 5], 9)], weight);
  results["lerp " + weight] = averages;
}
const told = Object.entries(results).map(([name, tensors]) => [name, tensors.flatMap((tensor) => tensor.flatten().toArray())]);
console.log(JSON.stringify(Object.fromEntries(told)));`;

function run(capability?: string): Record<string, number[]> {
  const { ATEN_CPU_CAPABILITY: _, ...env } = process.env;
  const told = execFileSync(process.execPath, ["--input-type=module", "--eval", script], {
    cwd: new URL("..", import.meta.url),
    encoding: "utf8",
    env: capability ? { ...env, ATEN_CPU_CAPABILITY: capability } : env,
  });
  return JSON.parse(told) as Record<string, number[]>;
}

test.runIf(process.arch === "x64")(
  "AVX2 and the processor's best give the same bits, plain instructions the same but for rounding",
  () => {
    const best = run();
    expect(run("avx2")).toEqual(best);
    for (const [name, values] of Object.entries(run("default"))) {
      const differences = values.map((value, i) => Math.abs(value - best[name]![i]!) / (1 + Math.abs(value)));
      expect(Math.max(...differences), name).toBeLessThan(1e-5);
    }
  },
);

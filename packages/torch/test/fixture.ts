import { join } from "node:path";
import { readSafetensors, type Tensor } from "@disback/torch";
import { expect } from "vitest";

/** The path of a file made by a script in test/fixtures. */
export function fixturePath(name: string): string {
  return join(import.meta.dirname, "fixtures", name);
}

/** Tensors of a fixture file; `under` keeps those whose names start so, without that start. */
export class Fixture {
  private readonly tensors: Map<string, Tensor>;

  constructor(file: string) {
    this.tensors = readSafetensors(fixturePath(file)).tensors;
  }

  get(name: string): Tensor {
    const tensor = this.tensors.get(name);
    if (!tensor) throw new Error(`fixture has no ${name}`);
    return tensor;
  }

  find(name: string): Tensor | undefined {
    return this.tensors.get(name);
  }

  under(prefix: string): Map<string, Tensor> {
    const found = [...this.tensors].filter(([name]) => name.startsWith(prefix));
    return new Map(found.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
  }
}

/** Equal shapes and dtypes, and values within `tolerance` of the largest expected magnitude (at least 1). */
export function expectClose(actual: Tensor | undefined, expected: Tensor, tolerance = 1e-6, what = ""): void {
  expect(actual, what).toBeDefined();
  expect(actual!.shape, what).toEqual(expected.shape);
  expect(actual!.dtype, what).toBe(expected.dtype);
  const [a, b] = [numbers(actual!), numbers(expected)];
  const scale = b.reduce(
    (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
    1,
  );
  b.forEach((value, index) => {
    const close =
      Object.is(a[index], value) || a[index] === value || Math.abs(a[index]! - value) <= tolerance * scale;
    if (!close) expect.fail(`${what}: element ${index} is ${a[index]}, not ${value}`);
  });
}

/** Equal shapes, dtypes and bytes. */
export function expectEqual(actual: Tensor | undefined, expected: Tensor, what = ""): void {
  expect(actual?.shape, what).toEqual(expected.shape);
  expect(actual?.dtype, what).toBe(expected.dtype);
  expect(Buffer.from(actual!.bytes()).equals(Buffer.from(expected.bytes())), what).toBe(true);
}

/** All elements as doubles, in row-major order. */
export function numbers(tensor: Tensor): number[] {
  return Array.from(tensor.detach().data() as ArrayLike<number | bigint>, Number);
}

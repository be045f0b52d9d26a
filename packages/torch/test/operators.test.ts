import { readFileSync } from "node:fs";
import { call, type Tensor } from "@disback/torch";
import { describe, expect, test } from "vitest";
import { expectClose, Fixture, fixturePath } from "./fixture.js";

interface Case {
  name: string;
  operator: string;
  overload: string;
  arguments: unknown[];
  outputs: number;
  gradients: string[];
}

const fixture = new Fixture("operators.safetensors");
const cases: Case[] = JSON.parse(readFileSync(fixturePath("operators.json"), "utf8"));

describe("values and gradients of operators agree with PyTorch", () => {
  test.each(cases.map((entry) => [entry.name, entry] as const))("%s", (name, entry) => {
    const leaves = new Map<string, Tensor>();
    const tolerance = name.startsWith("linalg") ? 1e-9 : 2e-6;
    const result = call(
      `aten::${entry.operator}`,
      entry.overload,
      ...entry.arguments.map((a) => resolve(a, entry, leaves)),
    );
    const outputs = (Array.isArray(result) ? result : [result]) as Tensor[];
    expect(outputs).toHaveLength(entry.outputs);
    outputs.forEach((output, i) => {
      expectClose(output, fixture.get(`${name}.output.${i}`), tolerance, `output ${i}`);
    });
    if (entry.gradients.length === 0) return;
    outputs[0]!
      .mul(fixture.get(`${name}.weight`))
      .sum()
      .backward();
    for (const key of entry.gradients) {
      expectClose(leaves.get(key)!.grad, fixture.get(`${name}.grad.${key}`), tolerance, `gradient of ${key}`);
    }
  });
});

/** Replaces { tensor: key } by the tensor, in lists too. */
function resolve(argument: unknown, entry: Case, leaves: Map<string, Tensor>): unknown {
  if (Array.isArray(argument)) return argument.map((item) => resolve(item, entry, leaves));
  if (typeof argument !== "object" || argument === null) return argument;
  const { tensor: key } = argument as { tensor: string };
  const leaf = fixture.get(`${entry.name}.${key}`).clone();
  if (entry.gradients.includes(key)) leaf.requiresGrad_();
  leaves.set(key, leaf);
  return leaf;
}

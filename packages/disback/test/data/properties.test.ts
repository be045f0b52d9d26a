import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDatasetJson } from "../../src/data/formats/dataset-json.js";
import { parseIdx } from "../../src/data/formats/idx.js";
import { formatNpy, parseNpy } from "../../src/data/formats/npy.js";
import { Labels } from "../../src/data/labels.js";
import { DisbackError } from "../../src/errors.js";

/** Runs a parser; whatever it refuses, it does so with an error of ours that names the source. */
function read<Value>(parse: () => Value): Value | undefined {
  try {
    return parse();
  } catch (error) {
    expect(error).toBeInstanceOf(DisbackError);
    expect((error as Error).message).toContain("the-file");
    expect((error as Error).message).not.toContain("\n");
    return undefined;
  }
}
const product = (shape: readonly number[]): number => shape.reduce((size, side) => size * side, 1);

describe(".npy", () => {
  const shape = fc.array(fc.nat(5), { minLength: 1, maxLength: 4 });

  it("what is written is read again", () => {
    const array = shape.chain((sides) =>
      fc.tuple(
        fc.constant(sides),
        fc.array(fc.float({ noNaN: true }), { minLength: product(sides), maxLength: product(sides) }),
      ),
    );
    fc.assert(
      fc.property(array, ([sides, values]) => {
        const parsed = parseNpy(formatNpy(Float32Array.from(values), sides), "the-file");
        expect(parsed.shape).toEqual(sides);
        expect(parsed.data).toEqual(Float32Array.from(values));
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  it("any header gives an array of the size it states, or an error", () => {
    const header = fc
      .tuple(
        fc.oneof(fc.constantFrom("'<f4'", "'|u1'", "'<i8'", "'>f4'", "'|O'"), fc.string()),
        fc.oneof(fc.constantFrom("True", "False"), fc.string()),
        fc.oneof(
          fc.array(fc.nat(3)).map((sides) => `(${sides.join(", ")},)`),
          fc.string(),
        ),
      )
      .map(([type, order, sides]) => `{'descr': ${type}, 'fortran_order': ${order}, 'shape': ${sides}, }`);
    fc.assert(
      fc.property(
        header,
        fc.nat(4),
        fc.integer({ min: -3, max: 3 }),
        fc.uint8Array({ maxLength: 60 }),
        (text, version, slip, data) => {
          const head = Buffer.from("\x93NUMPY\x00\x00\x00\x00", "latin1");
          head[6] = version;
          const body = Buffer.from(text);
          head.writeUInt16LE(Math.max(0, body.length + slip), 8);
          const array = read(() => parseNpy(Buffer.concat([head, body, data]), "the-file"));
          if (array) expect(array.data.length).toBe(product(array.shape));
        },
      ),
      { numRuns: 1000, seed: 2 },
    );
  });
});

describe("IDX", () => {
  it("any bytes give an array of the size they state, or an error", () => {
    const sides = fc.array(fc.oneof(fc.nat(3), fc.nat(2 ** 32 - 1)), { maxLength: 4 });
    fc.assert(
      fc.property(sides, fc.uint8Array({ maxLength: 40 }), fc.nat(5), (shape, data, dimensions) => {
        const head = Buffer.alloc(4 + 4 * shape.length);
        head[2] = 8;
        head[3] = dimensions;
        shape.forEach((side, place) => {
          head.writeUInt32BE(side, 4 + 4 * place);
        });
        const array = read(() => parseIdx(Buffer.concat([head, data]), "the-file"));
        if (array) expect(array.data.length).toBe(product(array.shape));
      }),
      { numRuns: 1000, seed: 3 },
    );
  });
});

describe("dataset.json", () => {
  const paths = ["a.png", "b.png"];

  it("any JSON gives labels, none, or an error", () => {
    const label = fc.oneof(fc.nat(9), fc.array(fc.double(), { maxLength: 3 }), fc.jsonValue());
    const list = fc.array(fc.tuple(fc.oneof(fc.constantFrom(...paths), fc.string()), label), {
      maxLength: 3,
    });
    const text = fc.oneof(
      fc.record({ labels: fc.oneof(list, fc.jsonValue()) }).map((value) => JSON.stringify(value)),
      fc.string(),
    );
    fc.assert(
      fc.property(text, (json) => {
        const values = read(() => parseDatasetJson(json, "the-file"));
        if (!values?.size) return;
        const labels = read(() => Labels.fromValues([...values.values()], "the-file"));
        if (labels) expect(labels.oneHot([0]).length).toBe(labels.dim);
      }),
      { numRuns: 1000, seed: 4 },
    );
  });
});

import { NumpyArray, NumpyType } from "./numpy-values.js";
import { type KnownGlobal, PickleTuple, type PickleValue } from "./values.js";

const known = new Map<string, KnownGlobal>([
  ["numpy.ndarray", {}],
  [
    "numpy.dtype",
    {
      make: ([code], { fail }) =>
        typeof code === "string" && code.length <= 16 ? new NumpyType(code) : fail("a type without a code"),
    },
  ],
  ["numpy.multiarray._reconstruct", { make: () => new NumpyArray() }],
  [
    "numpy.multiarray.scalar",
    {
      make: ([type, bytes], { fail, limits }) => {
        if (!(type instanceof NumpyType)) return fail("a number without a type");
        const array = new NumpyArray();
        array.fill(type, [], false, rawBytes(bytes), fail);
        limits.copy(array.bytes.length, fail);
        return array.item(fail);
      },
    },
  ],
  [
    "numpy.numeric._frombuffer",
    {
      make: ([bytes, type, shape, order], { fail }) => {
        if (!(type instanceof NumpyType)) return fail("an array without a type");
        const array = new NumpyArray();
        const sizes = shape instanceof PickleTuple ? shape.items : [];
        array.fill(type, sizes, order === "F", rawBytes(bytes), fail);
        return array;
      },
    },
  ],
]);

/** Raw data; Python 2 stores it as text. */
function rawBytes(value: PickleValue | undefined): PickleValue {
  return typeof value === "string" ? Buffer.from(value, "latin1") : (value ?? null);
}

/** NumPy's arrays, numbers and types; its inner modules were renamed in version 2. */
export function numpyGlobals(name: string): KnownGlobal | undefined {
  return known.get(name.replace(/^numpy\._?core\.(multiarray|numeric)\./, "numpy.$1."));
}

// Arguments for operators: mostly of the right kind, sometimes of any.
import { arange, fromTypedArray, Generator, ops, rand, randint, tensor, zeros } from "@disback/torch";

const dtypes = [
  "float32",
  "float64",
  "int64",
  "bool",
  "uint8",
  "int32",
  "float16",
  "bfloat16",
  "int8",
  "int16",
];
const complexCodes = [9, 10];
const smallNumbers = [0, 1, 2, 3, -1, -2, 4, 5, 7, 8, 16];
const strangeNumbers = [
  -0,
  0.5,
  -0.5,
  NaN,
  Infinity,
  -Infinity,
  1e-300,
  1e300,
  64,
  65,
  -100,
  1000,
  2 ** 31,
  -(2 ** 31),
  2 ** 31 - 1,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 62,
  -(2 ** 62),
  2n ** 62n,
  2n ** 63n - 1n,
  -(2n ** 63n),
]; // prettier-ignore
const words = [
  "mean",
  "sum",
  "none",
  "",
  "constant",
  "reflect",
  "bilinear",
  "ij,jk->ik",
  "linear",
  "lower",
  "floor",
  "trunc",
  "L",
  "V",
  "S",
  "no",
  "tanh",
  "left",
  "hann",
  "A",
  "fro",
  "nuc",
  "\0",
  "größe".repeat(50),
];

/** Tensors of one call mostly fit together. */
export function tasteOf(random) {
  const dims = random.pick([0, 1, 1, 2, 2, 2, 3, 3, 4, 4, 5]);
  return {
    shape: Array.from({ length: dims }, () => random.pick([1, 2, 2, 3, 3, 4, 5])),
    dtype: random.chance(70) ? "float32" : random.pick(dtypes),
    fitting: random.pick([100, 90, 60, 20]),
  };
}

function shapeOf(random, taste) {
  if (random.chance(taste.fitting)) return taste.shape;
  if (random.chance(10)) return random.pick([[0], [2, 0, 3], [1, 1, 1, 1, 1, 1, 1], [64], [0, 0]]);
  return Array.from({ length: random.below(6) }, () => random.pick([0, 1, 1, 2, 2, 3, 3, 4, 5, 7, 8]));
}

/** Indices: small ones, or any. */
function indices(random, shape, dtype) {
  const size = shape.reduce((product, side) => product * side, 1);
  if (random.chance(60)) return randint(0, random.pick([1, 2, 3, 5]), shape, { dtype });
  const values = Array.from({ length: size }, () =>
    random.pick([0, 1, 2, -1, -5, 100, 2 ** 31 - 1, -(2 ** 31), random.below(1000)]),
  );
  return fromTypedArray(BigInt64Array.from(values, BigInt), shape).to(dtype);
}

function variant(random, made) {
  switch (random.below(12)) {
    case 0:
      return made.requiresGrad_(true);
    case 1:
      return ops.transpose(made, 0, -1);
    case 2:
      return ops.unsqueeze(made, 0).expand([3, ...made.shape]);
    case 3:
      return ops.to_sparse(made);
    case 4:
      return ops.to(made, random.pick(complexCodes.concat(12, 13, 14)));
    case 5:
      return ops.quantize_per_tensor(made.float(), 0.1, 10, random.pick([12, 13, 14]));
    case 6:
      return made.to("meta");
    case 7:
      return ops.conj(made);
    case 8:
      return ops._neg_view(made);
    case 9:
      return ops._efficientzerotensor(made.shape, "float32");
    case 10:
      return ops.slice(made, 0, 1, null, 2);
    default:
      return ops.to_sparse_csr(made);
  }
}

export function anyTensor(random, taste) {
  const shape = shapeOf(random, taste);
  const dtype = random.chance(taste.fitting) ? taste.dtype : random.pick(dtypes);
  let made;
  if (dtype.startsWith("int") || dtype === "uint8") made = indices(random, shape, dtype);
  else if (dtype === "bool") made = randint(0, 2, shape, { dtype });
  else
    made = random.chance(90)
      ? rand(shape).to(dtype)
      : zeros(shape)
          .add(random.pick([NaN, Infinity, 1e30, -1]))
          .to(dtype);
  if (!random.chance(12)) return made;
  try {
    return variant(random, made);
  } catch {
    return made;
  }
}

export const anyInteger = (random) =>
  random.chance(85) ? random.pick(smallNumbers) : random.pick(strangeNumbers);
const anyNumber = (random) =>
  random.chance(60) ? random.pick(smallNumbers) : random.pick([0.1, 0.9, ...strangeNumbers]);
const someOf = (random, make) => Array.from({ length: random.pick([0, 1, 1, 2, 2, 2, 3, 3, 4, 5]) }, make);

/** Values that no signature allows. */
export function anything(random, taste) {
  return random.pick([
    () => undefined,
    () => null,
    () => ({}),
    () => [],
    () => "text",
    () => NaN,
    () => -1,
    () => 1e300,
    () => 2n ** 70n,
    () => Symbol("s"),
    () => () => 1,
    () => true,
    () => new Uint32Array([1, 2, 4000000000]),
    () => new Float64Array(3),
    () => [[1, 2], [3]],
    () => new Date(),
    () => new Proxy([], {}),
    () => 4294967296.5,
    () => [undefined, null, {}],
    () => anyTensor(random, taste),
    () => [anyTensor(random, taste)],
    () => ({ handle: 123456 }),
    () => ({ handle: -1 }),
    () => {
      const gone = rand([2]);
      gone.dispose();
      return gone;
    },
    () =>
      Object.defineProperty([1, 2], 1, {
        get: () => {
          throw new Error("getter");
        },
      }),
    () =>
      Object.defineProperty([1, 2], 1, {
        get: () => {
          ops.add(rand([2]), rand([2]));
          return 1;
        },
      }),
    () => arange(0, 5),
    () => tensor([1, 2]),
  ])(); // prettier-ignore
}

/** One argument by its schema. */
export function argumentFor(random, argument, taste) {
  if (random.chance(taste.strange ?? 2)) return anything(random, taste);
  if (argument.optional && random.chance(35)) return null;
  if (argument.hasDefault && random.chance(30)) return undefined;
  const one = () => {
    switch (argument.type) {
      case "Tensor":
        return anyTensor(random, taste);
      case "int":
      case "SymInt":
        return anyInteger(random);
      case "float":
        return anyNumber(random);
      case "Scalar":
        return random.chance(10) ? random.chance(50) : anyNumber(random);
      case "bool":
        return random.chance(50);
      case "str":
        return random.pick(words);
      case "ScalarType":
        // The typed functions take names, the door takes libtorch's numbers.
        if (!taste.door) return random.pick([...dtypes, "complex", "constructor"]);
        return random.chance(70) ? random.pick([0, 3, 4, 6, 7, 11]) : random.between(-1, 46);
      case "Layout":
        return random.pick([0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1]);
      case "Device":
        return random.pick(["cpu", "cpu", "meta", "cuda", "cuda:7", "xla", "mps", "nonsense", "cpu:3"]);
      case "MemoryFormat":
        if (!taste.door)
          return random.pick(["contiguous", "preserve", "channels_last", "channels_last_3d", 4]);
        return random.between(-1, 4);
      case "Generator":
        return new Generator(random.below(100));
      default:
        return anything(random, taste);
    }
  };
  if (!argument.list) return one();
  if (argument.type === "int" && random.chance(40)) return [...taste.shape];
  if (random.chance(5)) return one();
  return someOf(random, one);
}

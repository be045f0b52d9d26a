import type { MakingContext } from "./values.js";
import { type KnownGlobal, PickleGlobal, PickleObject, PickleTuple, type PickleValue } from "./values.js";

type Make = NonNullable<KnownGlobal["make"]>;

/** Items of a list, tuple or set. */
function itemsOf(value: PickleValue | undefined, { fail, limits }: MakingContext): readonly PickleValue[] {
  if (value === undefined) return [];
  const items = value instanceof PickleTuple ? value.items : value instanceof Set ? [...value] : value;
  if (!Array.isArray(items)) return fail("its argument is not a list");
  limits.copy(16 * items.length, fail);
  return items;
}

/** A dict from pairs, as Python 2 stores an OrderedDict. */
const makeDict: Make = (args, context) => {
  const source = args[0];
  const dict = new Map<PickleValue, PickleValue>();
  const pairs = source instanceof Map ? [...source] : itemsOf(source, context);
  if (source instanceof Map) context.limits.copy(32 * source.size, context.fail);
  for (const pair of pairs) {
    const [key, value] = Array.isArray(pair) ? pair : pair instanceof PickleTuple ? pair.items : [];
    if (key === undefined || value === undefined) return context.fail("its argument holds no pairs");
    dict.set(key as PickleValue, value as PickleValue);
  }
  return dict;
};

const makeSet: Make = (args, context) => new Set(itemsOf(args[0], context));
const makeList: Make = (args, context) => [...itemsOf(args[0], context)];
const makeTuple: Make = (args, context) => new PickleTuple(itemsOf(args[0], context));

const makeBytes: Make = ([value, encoding], context) => {
  if (value === undefined) return new Uint8Array();
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string" && (encoding === "latin1" || encoding === "latin-1")) {
    return encodeLatin1(value, context);
  }
  return context.fail("its argument is neither bytes nor Latin-1 text");
};

/** Bytes as protocols 0 to 2 store them. */
const encode: Make = ([text, encoding], context) => {
  if (typeof text !== "string") return context.fail("its argument is not a text");
  if (encoding === "latin1" || encoding === "latin-1") return encodeLatin1(text, context);
  return context.fail("only Latin-1 is supported");
};

function encodeLatin1(text: string, { fail, limits }: MakingContext): Uint8Array {
  limits.copy(text.length, fail);
  return Buffer.from(text, "latin1");
}

/** Makes an object without calling its class (protocols 0 and 1). */
const reconstruct: Make = ([type, , state], context) => {
  if (!(type instanceof PickleGlobal) || !type.known.make)
    return context.fail("its argument is not a known class");
  return type.known.make(state === undefined || state === null ? [] : [state], context);
};

/** Kept as a name and parts. */
const inert = (type: string): KnownGlobal => ({ make: (args) => new PickleObject(type, args) });

const known = new Map<string, KnownGlobal>([
  ["builtins.dict", { make: makeDict }],
  ["builtins.list", { make: makeList }],
  ["builtins.tuple", { make: makeTuple }],
  ["builtins.set", { make: makeSet }],
  ["builtins.frozenset", { make: makeSet }],
  ["builtins.bytes", { make: makeBytes }],
  ["builtins.bytearray", { make: makeBytes }],
  ["builtins.complex", inert("builtins.complex")],
  ["builtins.slice", inert("builtins.slice")],
  ["builtins.range", inert("builtins.range")],
  // Named by defaultdict and by objects of protocols 0 and 1, not called.
  ["builtins.object", {}],
  ["builtins.int", {}],
  ["builtins.float", {}],
  ["builtins.str", {}],
  ["builtins.bool", {}],
  ["collections.OrderedDict", { make: makeDict }],
  ["collections.defaultdict", { make: () => new Map() }],
  ["collections.Counter", { make: makeDict }],
  ["copyreg._reconstructor", { make: reconstruct }],
  ["_codecs.encode", { make: encode }],
  ["argparse.Namespace", inert("argparse.Namespace")],
  ["types.SimpleNamespace", inert("types.SimpleNamespace")],
  ["datetime.datetime", inert("datetime.datetime")],
  ["pathlib.PosixPath", inert("pathlib.PosixPath")],
  ["pathlib.WindowsPath", inert("pathlib.WindowsPath")],
]);

/** Python's own harmless functions and classes. */
export function pythonGlobals(name: string): KnownGlobal | undefined {
  return known.get(name.replace(/^__builtin__\./, "builtins.").replace(/^copy_reg\./, "copyreg."));
}

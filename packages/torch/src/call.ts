import { type NativeFunction, native } from "./binding.js";
import { resolve, wrap } from "./door.js";
import { OperatorError } from "./errors.js";
import { Generator } from "./random.js";
import { Tensor } from "./tensor.js";

const resolved = new Map<string, NativeFunction>();

/**
 * The boxed door itself: calls any operator libtorch knows by name.
 *
 * @param name with its namespace: `"aten::add"`
 * @param overload the part after the dot in the schema, `""` if there is none: `"Tensor"`
 * @param values arguments in the schema's order; tensors, generators, numbers, strings, arrays; `null` is None
 * @returns a tensor, a plain value, or an array of them
 * @throws OperatorError if the operator is unknown or refuses its arguments
 */
export function call(name: string, overload: string, ...values: unknown[]): unknown {
  const key = `${name}.${overload}`;
  let operator = resolved.get(key);
  if (!operator) {
    operator = resolve(name, overload);
    resolved.set(key, operator);
  }
  const { takes, gives } = signatureOf(key);
  const result = operator(
    ...values.map((value, index) => unwrap(value, takes[index] ?? false, key)),
  ) as unknown;
  return wrapResult(result, gives);
}

/** Handles are numbers too, so a plain number must not be accepted as a tensor. */
function unwrap(value: unknown, isTensor: boolean, operator: string): unknown {
  if (value instanceof Tensor) return value.handle;
  if (value instanceof Generator) return value.native;
  if (Array.isArray(value)) return value.map((element) => unwrap(element, isTensor, operator));
  if (isTensor && (typeof value === "number" || ArrayBuffer.isView(value)))
    throw new OperatorError("a number is given for a tensor", operator);
  return value;
}

interface Signature {
  /** for each argument, whether it is a tensor or a list of them */
  takes: boolean[];
  /** kinds of the results, from the schema */
  gives: string;
}

let signatures: Map<string, string> | undefined;
const parsed = new Map<string, Signature>();

/** The schema says which arguments and results are tensors. */
function signatureOf(key: string): Signature {
  const known = parsed.get(key);
  if (known) return known;
  signatures ??= new Map(native.schemas().map((schema) => [schema.slice(0, schema.indexOf("(")), schema]));
  const schema = signatures.get(key.replace(/\.$/, "")) ?? "";
  // "aten::f.g(Tensor(a!) self, int[2] sizes=[0, 0], *, Tensor? out=None) -> Tensor(a!)"
  const inside = schema
    .slice(schema.indexOf("(") + 1, schema.lastIndexOf(") ->"))
    .replace(/\[[^\]]*\]/g, "[]");
  const signature = {
    takes: inside
      .split(", ")
      .filter((argument) => argument !== "*")
      .map((argument) => argument.startsWith("Tensor")),
    gives: schema.slice(schema.lastIndexOf("->") + 2),
  };
  parsed.set(key, signature);
  return signature;
}

function wrapResult(value: unknown, kind: string): unknown {
  if (Array.isArray(value)) return value.map((element) => wrapResult(element, kind));
  return typeof value === "number" && kind.includes("Tensor") ? wrap(value) : value;
}

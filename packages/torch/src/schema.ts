import { native } from "./binding.js";
import { TorchError } from "./errors.js";

/** One argument of an operator, as its schema states it. */
export interface SchemaArgument {
  name: string;
  /** "Tensor", "Tensor?", "Tensor[]", "SymInt[2]", "Scalar", … without marks of aliasing */
  type: string;
  /** written to by the operator */
  written: boolean;
}

/** An operator's schema. */
export interface Schema {
  arguments: readonly SchemaArgument[];
  /** kinds of the results, "Tensor" or "Tensor[]" for example */
  returns: string;
}

const parsed = new Map<string, Schema>();
let texts: Map<string, string> | undefined;

/**
 * @param operator with namespace and overload: `"aten::add.Tensor"`
 * @throws TorchError if libtorch has none of that name
 */
export function schemaOf(operator: string): Schema {
  const known = parsed.get(operator);
  if (known) return known;
  texts ??= new Map(native.schemas().map((text) => [text.slice(0, text.indexOf("(")), text]));
  const text = texts.get(operator);
  if (!text) throw new TorchError(`libtorch ${native.version()} has no operator ${operator}`);
  const arrow = text.lastIndexOf(" -> ");
  const list = text.slice(text.indexOf("(") + 1, text.lastIndexOf(")", arrow));
  const schema = { arguments: topLevel(list).flatMap(parseArgument), returns: text.slice(arrow + 4) };
  parsed.set(operator, schema);
  return schema;
}

/** Splits at commas outside brackets. */
function topLevel(list: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= list.length; i++) {
    const letter = list[i];
    if (letter === "(" || letter === "[") depth++;
    else if (letter === ")" || letter === "]") depth--;
    else if (letter === undefined || (letter === "," && depth === 0)) {
      parts.push(list.slice(start, i).trim());
      start = i + 1;
    }
  }
  return parts;
}

/** "Tensor(a!) self", "Scalar alpha=1"; "*" only marks where named arguments begin. */
function parseArgument(text: string): SchemaArgument[] {
  const match = /^(\S+(?: -> [^)]*\)\S*)?) (\w+)(?:=.*)?$/.exec(text);
  if (!match) return [];
  const [, type, name] = match as unknown as [string, string, string];
  return [{ name, type: type.replace(/\([^)]*\)/, ""), written: type.includes("!") }];
}

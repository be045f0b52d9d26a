// Writes src/generated/ops.ts: a typed function for every ATen operator, from libtorch's own schemas.
// Run with: npm run generate -w @disback/torch
// Names: the usual overload of an operator has the operator's own name, the others its name and the overload's
// ("squeeze", "squeeze_dim"). Two overloads that differ only in one argument, a tensor in one and a number in the other,
// are one function. Which overload is usual: see operator-names.mjs.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { identifierOf, pairsOf, usualOverload } from "./operator-names.mjs";

const native = createRequire(import.meta.url)("../build/Release/disback_torch.node");
// Private operators that are worth having: optimizers' and attention's.
const privateOperators =
  /^_(foreach|fused|scaled_dot_product|weight_norm|native_batch_norm_legit|thnn_fused)/;

const camel = (text) => text.replace(/^_+/, "").replace(/_+([a-z0-9])/gi, (_, c) => c.toUpperCase());

/** "Tensor(a!)? self=None" -> {type, name, optional, hasDefault} */
function parseArgument(text) {
  const match = /^(.*?)(?:\s+(\w+))(?:=(.*))?$/s.exec(text.trim());
  return {
    type: match[1].replace(/\([^)]*\)/g, ""),
    name: match[2],
    hasDefault: match[3] !== undefined,
    mutable: /!\)/.test(match[1]),
  };
}

/** Splits at commas that are not inside brackets or quotes. */
function split(text) {
  const parts = [];
  let depth = 0;
  let start = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '"' || text[i] === "'") quoted = !quoted;
    if (quoted) continue;
    if ("([".includes(text[i])) depth++;
    if (")]".includes(text[i])) depth--;
    if (text[i] === "," && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  if (text.slice(start).trim()) parts.push(text.slice(start));
  return parts.map((part) => part.trim());
}

const scalarTypes = {
  Tensor: ["Tensor", (n, o) => (o ? `${n}?.handle` : `${n}.handle`)],
  Scalar: ["Scalar", (n) => n],
  int: ["number", (n) => n],
  SymInt: ["number", (n) => n],
  float: ["number", (n) => n],
  bool: ["boolean", (n) => n],
  str: ["string", (n) => n],
  Device: ["Device", (n) => n],
  Layout: ["number", (n) => n],
  ScalarType: ["DType", (n, o) => (o ? `dtypeArgument(${n})` : `dtypeCode(${n})`)],
  MemoryFormat: ["MemoryFormat", (n, o) => (o ? `memoryFormatArgument(${n})` : `memoryFormatCode(${n})`)],
  Generator: ["Generator", (n, o) => (o ? `${n}?.native` : `${n}.native`)],
};

/** TypeScript type and argument expression for a schema type, or undefined where JavaScript has no counterpart. */
function typeOf({ type: schemaType, hasDefault }, name) {
  let type = schemaType;
  const optional = type.endsWith("?");
  if (optional) type = type.slice(0, -1);
  const list = /^(\w+\??)\[(\d*)\]$/.exec(type);
  if (list) {
    const element = list[1];
    if (element === "Tensor")
      return {
        ts: "TensorList",
        expression: optional ? `${name} && handles(${name})` : `handles(${name})`,
        optional,
      };
    if (element === "Tensor?")
      return { ts: "readonly (Tensor | null)[]", expression: `optionalHandles(${name})`, optional };
    if (["int", "SymInt", "float"].includes(element))
      return { ts: list[2] ? "number | readonly number[]" : "readonly number[]", expression: name, optional };
    if (element === "bool") return { ts: "readonly boolean[]", expression: name, optional };
    if (element === "Scalar") return { ts: "readonly Scalar[]", expression: name, optional };
    return undefined;
  }
  const known = scalarTypes[type];
  return known && { ts: known[0], expression: known[1](name, optional || hasDefault), optional };
}

function returnOf(text) {
  const plain = text.replace(/\(([a-z]|[a-z]+!?|[a-z]\s*->\s*\*|[a-z! |>*-]+)\)/g, "").trim();
  if (plain === "()") return { ts: "void", wrap: (call) => `${call};`, statement: true };
  if (plain === "Tensor") return { ts: "Tensor", wrap: (call) => `return wrap(${call});` };
  if (plain === "Tensor[]") return { ts: "Tensor[]", wrap: (call) => `return wrapAll(${call});` };
  if (plain === "bool") return { ts: "boolean", wrap: (call) => `return ${call};` };
  if (["int", "SymInt", "float", "Scalar"].includes(plain))
    return { ts: "number", wrap: (call) => `return ${call};` };
  if (plain === "ScalarType") return { ts: "DType", wrap: (call) => `return dtypeName(${call});` };
  const tuple = /^\((.*)\)$/.exec(plain);
  if (tuple) {
    const parts = split(tuple[1]).map((part) => part.split(/\s+/)[0]);
    if (parts.every((part) => part === "Tensor"))
      return {
        ts: `[${parts.map(() => "Tensor").join(", ")}]`,
        wrap: (call) => `return wrapAll(${call}) as never;`,
      };
    if (
      parts.every(
        (part) =>
          part === "Tensor" || part === "Tensor[]" || part === "int" || part === "SymInt" || part === "float",
      )
    )
      return {
        ts: `[${parts.map((p) => (p.startsWith("Tensor") ? p : "number")).join(", ")}]`,
        wrap: (call) =>
          `return wrapMixed(${call}, [${parts.map((p) => (p === "Tensor" ? 1 : p === "Tensor[]" ? 2 : 0)).join(", ")}]) as never;`,
      };
  }
  return undefined;
}

/** Everything of a schema that a typed function needs, or undefined where JavaScript has no counterpart. */
function parseOperator(schema) {
  const match = /^aten::(\w+)(?:\.(\w+))?\((.*)\) -> (.*)$/s.exec(schema);
  if (!match) return undefined;
  const [, name, overload = "", argumentText, returnText] = match;
  if (/(^|_)out\d*$/.test(overload) || overload.includes("names") || overload.includes("imname"))
    return undefined;
  if (name.startsWith("_") && !privateOperators.test(name)) return undefined;
  const parameters = split(argumentText)
    .filter((part) => part !== "*")
    .map((part) => {
      const argument = parseArgument(part);
      const identifier = safe(camel(argument.name));
      return { ...argument, identifier, type: typeOf(argument, identifier), schemaType: argument.type };
    });
  if (parameters.some((parameter) => parameter.name === "out" && parameter.mutable)) return undefined;
  const result = returnOf(returnText);
  if (!result || parameters.some(({ type }) => !type)) return undefined;
  if (!parameters.some((p) => p.schemaType.startsWith("Tensor")) && !returnText.includes("Tensor"))
    return undefined;
  const [first] = parameters;
  const inPlace = first?.schemaType === "Tensor" && first.mutable && result.ts === "Tensor";
  return { schema, name, overload, parameters, result, inPlace };
}

/** The parameters of a function; `numbers` is the overload that takes a number where this one takes a tensor. */
function signatureOf({ parameters }, numbers) {
  let mayOmit = true;
  const signature = [];
  for (let i = parameters.length - 1; i >= 0; i--) {
    const { type, hasDefault, identifier } = parameters[i];
    const other = numbers?.parameters[i];
    const ts = other && other.type.ts !== type.ts ? `${type.ts} | ${other.type.ts}` : type.ts;
    const defaulted = hasDefault || other?.hasDefault;
    mayOmit &&= type.optional || defaulted;
    signature.unshift(
      mayOmit
        ? `${identifier}?: ${ts}${type.optional ? " | null" : ""}`
        : `${identifier}: ${ts}${type.optional ? " | null" : defaulted ? " | undefined" : ""}`,
    );
  }
  return signature.join(", ");
}

/** The call itself, and the variable that holds the operator once it is resolved. */
function callOf(operator, variable, expressions) {
  const { name, overload, inPlace } = operator;
  const callee = `(${variable} ??= resolve("aten::${name}", "${overload}"${inPlace ? ", true" : ""}))`;
  return `${callee}(${expressions.join(", ")})`;
}

function functionOf(identifier, operator, numbers) {
  const { parameters, result, inPlace } = operator;
  const expressions = parameters.map(({ type }) => type.expression);
  const variables = [`$${identifier}`];
  let call = callOf(operator, variables[0], expressions);
  if (numbers) {
    const at = parameters.findIndex(({ schemaType }, i) => schemaType !== numbers.parameters[i].schemaType);
    const { identifier: argument } = parameters[at];
    const plain = expressions.with(at, argument);
    variables.push(`$${identifier}_number`);
    call = `typeof ${argument} === "object" ? ${call} : ${callOf(numbers, variables[1], plain)}`;
  }
  const body = inPlace ? `${call}; return ${parameters[0].identifier};` : result.wrap(call);
  // A word of the language can be exported, not declared.
  const declared = identifier === "var" ? "$$var" : identifier;
  const schemas = [operator, numbers]
    .filter(Boolean)
    .map(({ schema }) => `\`${schema.replace(/\*\//g, "* /")}\``);
  return `let ${variables.map((name) => `${name}: NativeFunction | undefined`).join(", ")};
/** ${schemas.join("\n * or ")} */
${declared === identifier ? "export " : ""}function ${declared}(${signatureOf(operator, numbers)}): ${result.ts} { ${body} }`;
}

const byName = new Map();
for (const operator of native.schemas().sort().map(parseOperator).filter(Boolean))
  byName.set(operator.name, [...(byName.get(operator.name) ?? []), operator]);

const functions = [];
for (const [name, overloads] of byName) {
  const pairs = pairsOf(overloads);
  const usual = usualOverload(name, overloads);
  for (const operator of overloads) {
    if ([...pairs.values()].includes(operator)) continue;
    const numbers = pairs.get(operator);
    functions.push([identifierOf(operator, usual, numbers, byName), operator, numbers]);
  }
}
functions.sort(([a], [b]) => (a < b ? -1 : 1));
const twice = functions.find(([identifier], i) => identifier === functions[i + 1]?.[0]);
if (twice) throw new Error(`two functions named ${twice[0]}`);

function safe(name) {
  return [
    "in",
    "default",
    "function",
    "with",
    "var",
    "new",
    "delete",
    "export",
    "import",
    "switch",
    "class",
    "this",
  ].includes(name)
    ? `${name}Value`
    : name;
}

writeFileSync(
  new URL("../src/generated/ops.ts", import.meta.url),
  `// Generated by scripts/generate.mjs from libtorch ${native.version()}; do not edit.
import type { NativeFunction } from "../binding.js";
import { type Device, type DType, dtypeCode, dtypeName, type MemoryFormat, memoryFormatCode } from "../dtype.js";
import { dtypeArgument, handles, memoryFormatArgument, optionalHandles, resolve, type Scalar, type TensorList, wrap, wrapAll, wrapMixed } from "../door.js";
import type { Generator } from "../random.js";
import type { Tensor } from "../tensor.js";

${functions.map((entry) => functionOf(...entry)).join("\n")}
export { $$var as var };
`,
);
console.log(`${functions.length} functions`);

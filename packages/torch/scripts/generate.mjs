// Writes src/generated/ops.ts: a typed function for every ATen operator, from libtorch's own schemas.
// Run with: npm run generate -w @disback/torch
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const native = createRequire(import.meta.url)("../build/Release/disback_torch.node");
const reserved = new Map([
  ["var", "variance"],
  ["where", "where"],
]);
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
function typeOf(schemaType, name) {
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
  return known && { ts: known[0], expression: known[1](name, optional), optional };
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

const functions = [];
const seen = new Set();
for (const schema of native.schemas().sort()) {
  const match = /^aten::(\w+)(?:\.(\w+))?\((.*)\) -> (.*)$/s.exec(schema);
  if (!match) continue;
  const [, name, overload = "", argumentText, returnText] = match;
  if (/(^|_)out\d*$/.test(overload) || overload.includes("names") || overload.includes("imname")) continue;
  if (name.startsWith("_") && !privateOperators.test(name)) continue;
  const parameters = split(argumentText)
    .filter((part) => part !== "*")
    .map(parseArgument);
  const types = parameters.map((parameter) =>
    typeOf(parameter.type, camel(parameter.name) === "in" ? "input" : safe(camel(parameter.name))),
  );
  const result = returnOf(returnText);
  if (!result || types.some((type) => !type)) continue;
  if (!parameters.some((p) => p.type.startsWith("Tensor")) && !returnText.includes("Tensor")) continue;
  const identifier = (reserved.get(name) ?? name) + (overload ? `_${overload}` : "");
  if (seen.has(identifier)) throw new Error(`two operators named ${identifier}`);
  seen.add(identifier);
  const inPlace = parameters[0]?.type === "Tensor" && parameters[0].mutable && result.ts === "Tensor";
  let mayOmit = true;
  const signature = [];
  for (let i = parameters.length - 1; i >= 0; i--) {
    const type = types[i];
    mayOmit &&= type.optional || parameters[i].hasDefault;
    const parameterName = safe(camel(parameters[i].name));
    const nullable = type.optional || parameters[i].hasDefault;
    signature.unshift(
      mayOmit
        ? `${parameterName}?: ${type.ts}${type.optional ? " | null" : ""}`
        : `${parameterName}: ${type.ts}${type.optional ? " | null" : nullable ? " | undefined" : ""}`,
    );
    if (
      parameters[i].hasDefault &&
      !type.optional &&
      /handle|native|Code\(/.test(type.expression) &&
      parameters[i].type !== "Tensor"
    )
      type.expression = type.expression
        .replace("dtypeCode", "dtypeArgument")
        .replace("memoryFormatCode", "memoryFormatArgument");
  }
  const callee = `(_${identifier} ??= resolve("aten::${name}", "${overload}"${inPlace ? ", true" : ""}))`;
  const call = `${callee}(${types.map((type) => type.expression).join(", ")})`;
  const body = inPlace ? `${call}; return ${types[0].expression.split(/[?.]/)[0]};` : result.wrap(call);
  functions.push(`let _${identifier}: NativeFunction | undefined;
/** \`${schema.replace(/\*\//g, "* /")}\` */
export function ${identifier}(${signature.join(", ")}): ${result.ts} { ${body} }`);
}

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

${functions.join("\n")}
`,
);
console.log(`${functions.length} operators`);

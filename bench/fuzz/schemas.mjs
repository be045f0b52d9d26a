// The generated operators with their schemas, read from the comments of the generated file.
import { readFileSync } from "node:fs";

const generated = new URL("../../packages/torch/src/generated/ops.ts", import.meta.url);

/** Splits at commas outside of brackets. */
function splitArguments(text) {
  const parts = [];
  let depth = 0;
  let start = 0;
  for (let place = 0; place < text.length; place++) {
    if ("([".includes(text[place])) depth++;
    else if (")]".includes(text[place])) depth--;
    else if (text[place] === "," && depth === 0) {
      parts.push(text.slice(start, place).trim());
      start = place + 1;
    }
  }
  const last = text.slice(start).trim();
  return last === "" ? parts : [...parts, last];
}

/** "Tensor(a!)? out=None" -> {type: "Tensor", list: false, optional: true, name: "out"} */
function parseArgument(text) {
  const [, type, listing, name] = /^(\w+)(?:\([^)]*\))?([^ ]*) (\w+)/.exec(text);
  return {
    type,
    list: listing.includes("["),
    optional: listing.endsWith("?"),
    name,
    hasDefault: text.includes("="),
  };
}

/** Every generated operator: JavaScript's name, libtorch's name and overload, its arguments. */
export function generatedOperators() {
  // A function for two overloads names both schemas.
  const pattern = /\/\*\* ([^/]+) \*\/\n(?:export )?function (\S+)\(/g;
  return [...readFileSync(generated, "utf8").matchAll(pattern)].flatMap(([, comment, declared]) => {
    const javascript = declared === "$$var" ? "var" : declared;
    return [...comment.matchAll(/`([^`]+)`/g)].map(([, schema]) => operatorOf(javascript, schema));
  });
}

function operatorOf(javascript, schema) {
  const open = schema.indexOf("(");
  const [name, overload = ""] = schema.slice(0, open).split(".");
  const inside = schema.slice(open + 1, schema.lastIndexOf(") ->"));
  const texts = splitArguments(inside).filter((text) => text !== "*");
  return { javascript, name, overload, schema, arguments: texts.map(parseArgument) };
}

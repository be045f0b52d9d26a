import { printable } from "../../errors.js";
import { plain } from "./byte-reader.js";
import type { Fail } from "./fail.js";
import type { Limits } from "./limits.js";

const escapes: ReadonlyMap<string, string> = new Map([
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["0", "\0"],
]);

/** A whole number as protocol 0 writes it: digits, with `L` behind long ones; `00` and `01` are booleans. */
export function parseWhole(line: string, limits: Limits, fail: Fail): number | bigint | boolean {
  if (line === "00") return false;
  if (line === "01") return true;
  const digits = line.endsWith("L") ? line.slice(0, -1) : line;
  limits.digits(digits.length, fail);
  if (!/^[-+]?\d+$/.test(digits)) return fail(`"${shown(line)}" is not a whole number`);
  return plain(BigInt(digits.replace(/^\+/, "")));
}

/** A number as Python's `repr` writes it. */
export function parseFloatText(line: string, fail: Fail): number {
  const infinite = /^([-+]?)(inf|nan)$/.exec(line);
  if (infinite) {
    if (infinite[2] === "nan") return Number.NaN;
    return infinite[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  // Python writes at most 25 characters, and the pattern takes quadratic time.
  if (line.length > 100) return fail(`a number of ${line.length} characters`);
  if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(line)) return fail(`"${shown(line)}" is not a number`);
  return Number(line);
}

/** A text as Python 2's `repr` writes it. */
export function parseQuoted(line: string, fail: Fail): string {
  const quote = line[0];
  if (line.length < 2 || (quote !== "'" && quote !== '"') || !line.endsWith(quote)) {
    return fail("a text without quotes");
  }
  return line
    .slice(1, -1)
    .replace(/\\(?:x([0-9a-fA-F]{2})|(.))/g, (_, hex: string | undefined, character: string) =>
      hex ? String.fromCharCode(Number.parseInt(hex, 16)) : (escapes.get(character) ?? character),
    );
}

/** A text in Python's "raw-unicode-escape" encoding: Latin-1 with the rest as `\uXXXX` or `\UXXXXXXXX`. */
export function parseRawUnicode(line: string, fail: Fail): string {
  return line.replace(/\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/g, (_, short?: string, long?: string) => {
    const code = Number.parseInt((short ?? long)!, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : fail("a character beyond Unicode");
  });
}

/** Text from a file, short and printable. */
export function shown(text: string): string {
  return printable(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}

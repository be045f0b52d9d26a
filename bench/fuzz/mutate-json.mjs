// Changes of JSON documents and of their text.
import { mutateBytes } from "./mutate-bytes.mjs";

const strange = [
  null,
  true,
  false,
  0,
  -1,
  0.5,
  1e300,
  -1e300,
  2 ** 31,
  2 ** 53,
  1e-320,
  "",
  "text",
  "../../etc/passwd",
  "/etc/passwd",
  "\u0000",
  "x".repeat(20_000),
  "NaN",
  [],
  {},
  [[]],
  [null],
  { a: 1 },
  Array.from({ length: 300 }, (_, i) => i),
  "line\nbreak",
  "\u001b[31mred",
]; // prettier-ignore

const nested = (depth) => JSON.parse("[".repeat(depth) + "]".repeat(depth));

/** Places of a document: container and key. */
function placesOf(value, found = []) {
  if (typeof value !== "object" || value === null) return found;
  for (const key of Object.keys(value)) {
    found.push([value, key]);
    placesOf(value[key], found);
  }
  return found;
}

/** A document with one to four values changed, removed, added or moved. */
export function mutateDocument(random, original) {
  let document = structuredClone(original);
  for (let change = random.below(4); change >= 0; change--) {
    const places = placesOf(document);
    if (places.length === 0 || random.chance(2)) {
      document = structuredClone(random.pick([...strange, nested(500)]));
      continue;
    }
    const [container, key] = random.pick(places);
    switch (random.below(8)) {
      case 0:
        if (Array.isArray(container)) container.splice(Number(key), 1);
        else delete container[key];
        break;
      case 1:
        container[
          Array.isArray(container)
            ? container.length
            : random.pick(["extra", "constructor", "__proto__", "toString", "", "a.b"])
        ] = structuredClone(random.pick(strange)); // prettier-ignore
        break;
      case 2:
        if (typeof container[key] === "number")
          container[key] = random.pick([
            container[key] + 1,
            container[key] * 1000,
            -container[key],
            container[key] / 3,
            1e9,
          ]);
        break;
      case 3: {
        const [other, name] = random.pick(places);
        container[key] = structuredClone(other[name]);
        break;
      }
      case 4:
        container[key] = random.pick([nested(50), nested(400), [container[key]], { [key]: container[key] }]);
        break;
      case 5:
        if (typeof container[key] === "string")
          container[key] = random.pick([
            `${container[key]}x`,
            container[key].slice(1),
            container[key].toUpperCase(),
          ]);
        break;
      default:
        container[key] = structuredClone(random.pick(strange));
    }
  }
  return document;
}

/** JSON's text, sometimes with doubled keys, numbers no JSON has, or damage. */
export function mutateJson(random, original, indent) {
  let text =
    JSON.stringify(random.chance(85) ? mutateDocument(random, original) : original, null, indent) ?? "";
  if (random.chance(8)) text = text.replace(/"(\w+)":([^,{}[\]]+)/, '"$1":$2,"$1":7,"__proto__":{"x":1}');
  if (random.chance(8))
    text = text.replace(
      /\d+/,
      random.pick(["1e999", "-0", "NaN", "Infinity", "9".repeat(400), "1".repeat(30)]),
    ); // prettier-ignore
  if (random.chance(3))
    text = `${random.pick(["\ufeff", "[".repeat(50_000), '{"a":'.repeat(20_000)])}${text}`;
  return random.chance(15)
    ? mutateBytes(random, Buffer.from(text), { telling: Buffer.from('{}[]",:\\0-') })
    : Buffer.from(text);
}

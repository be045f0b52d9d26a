// Changes of bytes without knowledge of the format, apart from where numbers and texts usually are.

const extremes = [
  0n,
  1n,
  0x7fn,
  0xffn,
  0x7fffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  2n ** 32n,
  2n ** 53n,
  2n ** 62n,
  2n ** 63n - 1n,
  2n ** 64n - 1n,
]; // prettier-ignore
const hugeTexts = [
  "0",
  "-1",
  "1e999",
  "99999999999999999999",
  "4294967296",
  "9007199254740993",
  "0x10",
  "NaN",
  "",
];

/** A length or offset of 2, 4 or 8 bytes becomes an extreme one, or another near it. */
function changeNumber(bytes, at, random) {
  const width = random.pick([1, 2, 4, 8].filter((size) => at + size <= bytes.length));
  const little = random.chance(70);
  const part = Buffer.from(bytes.subarray(at, at + width));
  if (!little) part.reverse();
  let value = BigInt(`0x${Buffer.from(part).reverse().toString("hex") || "0"}`);
  value = random.chance(50) ? random.pick(extremes) : value + BigInt(random.between(-4, 4));
  for (let place = 0; place < width; place++) {
    const byte = Number((value >> BigInt(8 * place)) & 0xffn);
    bytes[at + (little ? place : width - 1 - place)] = byte;
  }
}

/** A number written in digits becomes another. */
function changeDigits(bytes, random) {
  const places = [...bytes.subarray(0, 4096).toString("latin1").matchAll(/\d+/g)];
  if (places.length === 0) return bytes;
  const { index, 0: digits } = random.pick(places);
  const text = random.chance(50) ? random.pick(hugeTexts) : String(Number(digits) + random.between(-2, 2));
  return Buffer.concat([bytes.subarray(0, index), Buffer.from(text), bytes.subarray(index + digits.length)]);
}

/**
 * One to eight changes: bytes replaced, flipped, cut out, doubled, swapped, spliced with another file's, numbers made
 * extreme, the end cut off.
 * @param telling bytes that mean much in the format
 * @param others files to take pieces from
 */
export function mutateBytes(random, original, { telling, others = [original] } = {}) {
  let bytes = Buffer.from(original);
  for (let change = random.below(8); change >= 0 && bytes.length > 1; change--) {
    // Headers matter most; they are at the beginning or the end.
    const reach = random.chance(40) ? Math.min(bytes.length, 128) : bytes.length;
    const at = random.chance(15) ? bytes.length - 1 - random.below(reach) : random.below(reach);
    const length = 1 + random.below(Math.min(64, bytes.length - at));
    switch (random.below(10)) {
      case 0:
        bytes[at] = random.below(256);
        break;
      case 1:
        bytes[at] = telling ? telling[random.below(telling.length)] : random.below(256);
        break;
      case 2:
        bytes[at] ^= 1 << random.below(8);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
        break;
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
        break;
      case 5:
        bytes.fill(random.pick([0xff, 0]), at, Math.min(bytes.length, at + 4));
        break;
      case 6:
        bytes.copyWithin(random.below(bytes.length), at, at + length);
        break;
      case 7:
        changeNumber(bytes, at, random);
        break;
      case 8: {
        const other = random.pick(others);
        const from = random.below(other.length);
        const piece = other.subarray(from, from + 1 + random.below(256));
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          piece,
          bytes.subarray(random.chance(50) ? at : at + length),
        ]);
        break;
      }
      default:
        bytes = changeDigits(bytes, random);
    }
  }
  return random.chance(10) ? bytes.subarray(0, random.below(bytes.length + 1)) : bytes;
}

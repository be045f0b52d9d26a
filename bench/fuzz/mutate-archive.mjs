// Archives made anew with altered contents and checksums that fit, so that changes reach what lies inside; and archives that
// lie about sizes, names and checksums.
import { crc32, deflateRawSync, gunzipSync, gzipSync, inflateRawSync } from "node:zlib";
import { mutateBytes } from "./mutate-bytes.mjs";

const names = [
  "../climbs.png",
  "/absolute.png",
  "a\\b.png",
  "C:\\x.png",
  "a/../../b.png",
  "nul\0.png",
  "",
  ".",
  "..",
  "./a.png",
  "dir/",
  "dataset.json",
  "é.png",
  "x".repeat(3000),
  "__proto__",
  "con.png",
]; // prettier-ignore

// Node 20 has crc32 from 20.15 on; older ones of the supported line do without checksums that fit.
const checksum = crc32 ?? (() => 0);

/** Entries of an archive as zip files are written: `[{name, data}]`. */
export function unzip(bytes) {
  const entries = [];
  const end = bytes.lastIndexOf("PK\x05\x06", undefined, "latin1");
  // PyTorch's files have further records behind the directory.
  for (let place = bytes.readUInt32LE(end + 16); bytes.readUInt32LE(place) === 0x02014b50; ) {
    const [method, packed, nameLength, extra, comment, local] = [
      bytes.readUInt16LE(place + 10),
      bytes.readUInt32LE(place + 20),
      bytes.readUInt16LE(place + 28),
      bytes.readUInt16LE(place + 30),
      bytes.readUInt16LE(place + 32),
      bytes.readUInt32LE(place + 42),
    ]; // prettier-ignore
    const name = bytes.toString("utf8", place + 46, place + 46 + nameLength);
    const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const stored = bytes.subarray(start, start + packed);
    entries.push({ name, data: method === 8 ? inflateRawSync(stored) : Buffer.from(stored) });
    place += 46 + nameLength + extra + comment;
  }
  return entries;
}

/** A zip file of entries `{name, data, lie?}`; `lie` changes the numbers that describe the entry. */
export function zip(entries, deflated = () => false) {
  const parts = [];
  const directory = [];
  let position = 0;
  for (const { name, data, packed: given, lie = {} } of entries) {
    const method = given || deflated() ? 8 : 0;
    const packed = given ?? (method ? deflateRawSync(data) : data);
    const facts = {
      method,
      crc: given ? 0 : checksum(data),
      packed: packed.length,
      size: data.length,
      flags: 0,
      local: position,
      ...lie,
    };
    const title = Buffer.from(name);
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(20, 4);
    header.writeUInt16LE(facts.flags & 0xffff, 6);
    header.writeUInt16LE(facts.method & 0xffff, 8);
    const record = Buffer.alloc(46);
    record.writeUInt32LE(0x02014b50, 0);
    record.writeUInt16LE(20, 6);
    record.writeUInt16LE(facts.flags & 0xffff, 8);
    record.writeUInt16LE(facts.method & 0xffff, 10);
    for (const [block, at] of [
      [header, 14],
      [record, 16],
    ]) {
      block.writeUInt32LE(facts.crc >>> 0, at);
      block.writeUInt32LE(facts.packed >>> 0, at + 4);
      block.writeUInt32LE(facts.size >>> 0, at + 8);
      block.writeUInt16LE(title.length & 0xffff, at + 12);
    } // prettier-ignore
    record.writeUInt32LE(facts.local >>> 0, 42);
    parts.push(header, title, packed);
    directory.push(record, title);
    position += header.length + title.length + packed.length;
  }
  const listing = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(entries.length & 0xffff, 8);
  end.writeUInt16LE(entries.length & 0xffff, 10);
  end.writeUInt32LE(listing.length, 12);
  end.writeUInt32LE(position, 16);
  return Buffer.concat([...parts, listing, end]);
}

const zeros = Buffer.alloc(16 * 2 ** 20);
let bombOf;
/** 16 MiB of zeros, packed: made once. */
const bomb = () => {
  bombOf ??= deflateRawSync(zeros, { level: 9 });
  return bombOf;
};

/** An archive with one to three entries altered, renamed, doubled, removed, or described by lies. */
export function mutateZip(random, entries, mutateEntry) {
  const altered = entries.map((entry) => ({ ...entry }));
  for (let change = random.below(3); change >= 0; change--) {
    const at = random.below(altered.length || 1);
    const entry = altered[at];
    if (!entry) break;
    switch (random.below(9)) {
      case 0:
        entry.name = random.chance(50)
          ? random.pick(names)
          : mutateBytes(random, Buffer.from(entry.name || "x")).toString("latin1");
        break;
      case 1:
        altered.push({ ...random.pick(altered) });
        break;
      case 2:
        altered.splice(at, 1);
        break;
      case 3:
        entry.lie = {
          [random.pick(["size", "packed", "crc", "local", "flags", "method"])]: random.pick([
            0,
            1,
            8,
            99,
            2 ** 31,
            2 ** 32 - 1,
            entry.data.length + 1,
          ]),
        };
        break;
      case 4:
        if (!random.chance(6)) break;
        // A bomb: far more bytes than stored, with its size told or hidden.
        entry.packed = bomb();
        entry.lie = {
          size: random.pick([zeros.length, entry.data.length, 2 ** 32 - 2]),
          crc: random.pick([0, checksum(zeros)]),
        };
        break;
      default:
        entry.data = mutateEntry(random, entry);
    }
  }
  const file = zip(altered, () => random.chance(60));
  return random.chance(25) ? mutateBytes(random, file) : file;
}

/** Files of a tar: `[{name, data}]`. */
export function untar(bytes) {
  const unpacked = bytes[0] === 0x1f ? gunzipSync(bytes) : bytes;
  const entries = [];
  for (let place = 0; place + 512 <= unpacked.length && unpacked[place] !== 0; ) {
    const name = unpacked.toString("utf8", place, place + 100).replace(/\0.*/s, "");
    const size = Number.parseInt(unpacked.toString("latin1", place + 124, place + 136), 8) || 0;
    const type = String.fromCharCode(unpacked[place + 156]);
    if (type === "0" || type === "\0")
      entries.push({ name, data: Buffer.from(unpacked.subarray(place + 512, place + 512 + size)) });
    place += 512 + Math.ceil(size / 512) * 512;
  }
  return entries;
}

function tar(entries) {
  const parts = [];
  for (const { name, data, type = "0", size = data.length, wrongSum = false } of entries) {
    const header = Buffer.alloc(512);
    header.write(name, 0, 100);
    header.write("0000644\0", 100);
    header.write(
      typeof size === "string" ? size : `${size.toString(8).padStart(11, "0")}\0`,
      124,
      12,
      "latin1",
    );
    header.write("00000000000\0", 136);
    header.fill(" ", 148, 156);
    header.write(type, 156);
    header.write("ustar\0" + "00", 257);
    const sum = header.reduce((total, byte) => total + byte, 0) + (wrongSum ? 1 : 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    parts.push(header, data, Buffer.alloc((512 - (data.length % 512)) % 512));
  }
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

/** Like `mutateZip`, for tar: links, long names, sizes that lie, gzipped or not. */
export function mutateTar(random, entries, mutateEntry) {
  const altered = entries.map((entry) => ({ ...entry }));
  for (let change = random.below(3); change >= 0; change--) {
    const at = random.below(altered.length || 1);
    const entry = altered[at];
    if (!entry) break;
    switch (random.below(9)) {
      case 0:
        entry.name = random.pick([...names, entry.name.toUpperCase(), `${entry.name}x`]);
        break;
      case 1:
        altered.splice(random.below(altered.length), 0, {
          ...random.pick(altered),
          type: random.pick(["1", "2", "3", "5", "7", "L", "K", "x", "g", "S"]),
        });
        break;
      case 2:
        altered.splice(at, 1);
        break;
      case 3:
        entry.size = random.pick([
          0,
          1,
          entry.data.length + 1,
          2 ** 33 - 1,
          "77777777777\0",
          "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff",
          "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
          "garbage",
        ]);
        break;
      case 4:
        entry.wrongSum = true;
        break;
      case 5:
        altered.push({ ...random.pick(altered) });
        break;
      default:
        entry.data = mutateEntry(random, entry);
    }
  }
  let file = tar(altered);
  if (random.chance(20)) file = mutateBytes(random, file);
  if (random.chance(40)) file = gzipSync(file, { level: 1 });
  return random.chance(15) ? mutateBytes(random, file) : file;
}

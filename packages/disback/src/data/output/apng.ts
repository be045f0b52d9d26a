import { crc32 } from "../formats/crc32.js";

/** What each frame of a PNG file may hold besides its pixels is in the first one. */
const signatureLength = 8;

/**
 * Joins PNG files of one size and kind to an animated PNG that repeats for ever (PNG, third edition, 2025, section
 * 11.3.6). Programs that know no animations show the first frame.
 *
 * @param frames complete PNG files
 * @param delay of each frame in milliseconds
 */
export function joinPngs(frames: readonly Uint8Array[], delay: number): Buffer {
  const [first, ...others] = frames.map(chunksOf) as [Chunk[], ...Chunk[][]];
  const header = first.find(({ type }) => type === "IHDR")!.data;
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  let sequence = 0;
  const control = () => {
    const data = Buffer.alloc(26);
    for (const [place, value] of [sequence++, width, height].entries()) data.writeUInt32BE(value, 4 * place);
    data.writeUInt16BE(delay, 20);
    data.writeUInt16BE(1000, 22);
    return chunk("fcTL", data);
  };
  const animation = Buffer.alloc(8);
  animation.writeUInt32BE(frames.length, 0);
  const isPixels = ({ type }: Chunk) => type === "IDAT";
  const before = first.slice(0, first.findIndex(isPixels));
  const parts = [
    ...before.map(whole),
    chunk("acTL", animation),
    control(),
    ...first.filter(isPixels).map(whole),
  ];
  for (const frame of others) {
    parts.push(control());
    for (const { data } of frame.filter(isPixels)) {
      const number = Buffer.alloc(4);
      number.writeUInt32BE(sequence++);
      parts.push(chunk("fdAT", Buffer.concat([number, data])));
    }
  }
  return Buffer.concat([frames[0]!.subarray(0, signatureLength), ...parts, chunk("IEND", Buffer.alloc(0))]);
}

interface Chunk {
  type: string;
  data: Buffer;
}

function chunksOf(png: Uint8Array): Chunk[] {
  const bytes = Buffer.from(png.buffer, png.byteOffset, png.byteLength);
  const chunks: Chunk[] = [];
  for (let place = signatureLength; place < bytes.length; ) {
    const size = bytes.readUInt32BE(place);
    const type = bytes.toString("latin1", place + 4, place + 8);
    chunks.push({ type, data: bytes.subarray(place + 8, place + 8 + size) });
    place += 12 + size;
  }
  return chunks;
}

function whole({ type, data }: Chunk): Buffer {
  return chunk(type, data);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  size.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([size, body, sum]);
}

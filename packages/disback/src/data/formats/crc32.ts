const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++)
    remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1;
  return remainder;
});

/** The checksum zip files carry (CRC-32, reflected polynomial 0xEDB88320), which Node 20 and yauzl leave to us. */
export function crc32(bytes: Uint8Array): number {
  let state = 0xffffffff;
  for (let index = 0; index < bytes.length; index++)
    state = table[(state ^ bytes[index]!) & 0xff]! ^ (state >>> 8);
  return (state ^ 0xffffffff) >>> 0;
}

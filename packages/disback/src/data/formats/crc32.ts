function tableOf(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit++)
      remainder = remainder & 1 ? (remainder >>> 1) ^ polynomial : remainder >>> 1;
    return remainder;
  });
}

const zipTable = tableOf(0xedb88320);
const castagnoliTable = tableOf(0x82f63b78);

/** The checksum of zip files (CRC-32, reflected polynomial 0xEDB88320). Node 20 and yauzl do not provide it. */
export function crc32(bytes: Uint8Array): number {
  return checksum(bytes, zipTable);
}

/** The checksum of TFRecord files (CRC-32C, reflected polynomial 0x82F63B78). */
export function crc32c(bytes: Uint8Array): number {
  return checksum(bytes, castagnoliTable);
}

function checksum(bytes: Uint8Array, table: Uint32Array): number {
  let state = 0xffffffff;
  for (let index = 0; index < bytes.length; index++)
    state = table[(state ^ bytes[index]!) & 0xff]! ^ (state >>> 8);
  return (state ^ 0xffffffff) >>> 0;
}

const PHOTOMETRIC = 262;
const COMPRESSION = 259;
const YCBCR = 6;
const JPEG = 7;

/** Whether a TIFF stores YCbCr without JPEG: libvips hands out the numbers as if they were red, green and blue. */
export function isRawYcc(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const little = bytes[0] === 0x49;
  const directory = bytes.length >= 8 ? view.getUint32(4, little) : 0;
  if (directory < 8 || directory + 2 > bytes.length) return false;
  const tags = new Map<number, number>();
  const count = view.getUint16(directory, little);
  for (let entry = 0; entry < count; entry++) {
    const place = directory + 2 + 12 * entry;
    if (place + 12 > bytes.length) return false;
    tags.set(view.getUint16(place, little), view.getUint16(place + 8, little));
  }
  return tags.get(PHOTOMETRIC) === YCBCR && tags.get(COMPRESSION) !== JPEG;
}

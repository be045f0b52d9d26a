/** Whether a JPEG file has four channels: CMYK, or YCCK, which decoders turn into it. */
export function isCmykJpeg(bytes: Uint8Array): boolean {
  for (let place = 2; place + 9 < bytes.length; ) {
    if (bytes[place] !== 0xff) return false;
    const marker = bytes[place + 1]!;
    if (marker === 0xff) {
      place++;
      continue;
    }
    // Frame headers are C0 to CF, but for the tables C4, C8 and CC.
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return bytes[place + 9] === 4;
    place += 2 + bytes[place + 2]! * 256 + bytes[place + 3]!;
  }
  return false;
}

/** `a b / 255`, rounded, as Pillow's MULDIV255. */
const multiply = (a: number, b: number): number => {
  const product = a * b + 128;
  return ((product >> 8) + product) >> 8;
};

/** Pillow's conversion without colour management: `(255 - K) - C (255 - K) / 255`, and so on. */
export function cmykToRgb(pixels: Uint8Array): Uint8Array {
  const data = new Uint8Array((pixels.length / 4) * 3);
  for (let pixel = 0; pixel < pixels.length / 4; pixel++) {
    const light = 255 - pixels[4 * pixel + 3]!;
    for (let channel = 0; channel < 3; channel++)
      data[3 * pixel + channel] = light - multiply(pixels[4 * pixel + channel]!, light);
  }
  return data;
}

/** Writes `[H, W, C]` bytes into an NCHW array of bytes at image `index`. */
export function storeChannelsFirst(
  target: Uint8Array,
  index: number,
  pixels: Uint8Array,
  channels: number,
): void {
  const plane = pixels.length / channels;
  const start = index * pixels.length;
  for (let channel = 0; channel < channels; channel++)
    for (let pixel = 0; pixel < plane; pixel++)
      target[start + channel * plane + pixel] = pixels[pixel * channels + channel]!;
}

/** One image's planes `[C, H, W]` as channels-last bytes `[H, W, C]`. */
export function channelsLast(planes: Uint8Array, channels: number): Uint8Array {
  const plane = planes.length / channels;
  const result = new Uint8Array(planes.length);
  for (let pixel = 0; pixel < plane; pixel++)
    for (let channel = 0; channel < channels; channel++)
      result[pixel * channels + channel] = planes[channel * plane + pixel]!;
  return result;
}

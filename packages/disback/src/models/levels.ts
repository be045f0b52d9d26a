/** Resolution and channels of each level, highest resolution first. */
export function levels(options: {
  imageResolution: number;
  modelChannels: number;
  channelMultipliers: number[];
}): { resolution: number; channels: number }[] {
  return options.channelMultipliers.map((multiplier, level) => ({
    resolution: options.imageResolution >> level,
    channels: options.modelChannels * multiplier,
  }));
}

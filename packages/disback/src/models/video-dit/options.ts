import type { DitOptions } from "../dit/options.js";

/** Options of the network for clips. */
export interface VideoDitOptions extends DitOptions {
  /** frames of a clip */
  frames: number;
  /** frames in a row that one token stands for */
  framesPerPatch: number;
  /** channels of the convolutions around the transformer */
  pixelChannels: number;
  /** factor of the noise level before its waves, which are made for steps up to 1000 */
  noiseScale: number;
}

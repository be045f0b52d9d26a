import { ModuleDict } from "@disback/torch";
import { Convolution } from "./convolution.js";
import type { DhariwalUNetOptions } from "./dhariwal-options.js";
import { levels } from "./levels.js";
import { type BlockStyle, UNetBlock } from "./unet-block.js";
import type { WeightSource } from "./weights.js";

/** The contracting half: parts in execution order, and the channels of their outputs. */
export function buildEncoder(
  source: WeightSource,
  options: DhariwalUNetOptions,
  style: BlockStyle,
): { encoder: ModuleDict<UNetBlock | Convolution>; skipChannels: number[] } {
  const encoder = new ModuleDict<UNetBlock | Convolution>();
  const skipChannels: number[] = [];
  let channels = 0;
  for (const [level, { resolution, channels: wide }] of levels(options).entries()) {
    const name = `${resolution}x${resolution}`;
    if (level === 0) {
      channels = wide;
      encoder.set(`${name}_conv`, new Convolution(source, options.inChannels, channels, 3, style.start));
    } else {
      const shape = { inChannels: channels, outChannels: channels, resample: "down" } as const;
      encoder.set(`${name}_down`, new UNetBlock(source, shape, style));
    }
    skipChannels.push(channels);
    const attention = options.attentionResolutions.includes(resolution);
    for (let index = 0; index < options.blocksPerResolution; index++) {
      const shape = { inChannels: channels, outChannels: wide, attention };
      encoder.set(`${name}_block${index}`, new UNetBlock(source, shape, style));
      channels = wide;
      skipChannels.push(channels);
    }
  }
  return { encoder, skipChannels };
}

/** The expanding half. A block that expects more channels than it gets also takes the encoder's output. */
export function buildDecoder(
  source: WeightSource,
  skipChannels: number[],
  options: DhariwalUNetOptions,
  style: BlockStyle,
): ModuleDict<UNetBlock> {
  const decoder = new ModuleDict<UNetBlock>();
  const skips = [...skipChannels];
  const all = levels(options);
  let channels = skips.at(-1)!;
  for (const [level, { resolution, channels: wide }] of [...all.entries()].reverse()) {
    const name = `${resolution}x${resolution}`;
    const same = { inChannels: channels, outChannels: channels };
    if (level === all.length - 1) {
      decoder.set(`${name}_in0`, new UNetBlock(source, { ...same, attention: true }, style));
      decoder.set(`${name}_in1`, new UNetBlock(source, same, style));
    } else {
      decoder.set(`${name}_up`, new UNetBlock(source, { ...same, resample: "up" }, style));
    }
    const attention = options.attentionResolutions.includes(resolution);
    for (let index = 0; index <= options.blocksPerResolution; index++) {
      const shape = { inChannels: channels + skips.pop()!, outChannels: wide, attention };
      decoder.set(`${name}_block${index}`, new UNetBlock(source, shape, style));
      channels = wide;
    }
  }
  return decoder;
}

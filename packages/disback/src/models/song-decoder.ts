import { GroupNorm, ModuleDict, type Tensor } from "@disback/torch";
import { Convolution } from "./convolution.js";
import { decoderStep } from "./decoder-step.js";
import { activated, groupNormalization } from "./group-normalization.js";
import { levels } from "./levels.js";
import { Resampling } from "./resampling.js";
import type { SongLayout } from "./song-options.js";
import { UNetBlock } from "./unet-block.js";
import type { WeightSource } from "./weights.js";

type Part = UNetBlock | Convolution | Resampling | GroupNorm;

/** The expanding half of DDPM++ and NCSN++: parts in execution order. */
export class SongDecoder extends ModuleDict<Part> {
  /** @param skipChannels channels of the encoder's outputs, from the image on */
  constructor(source: WeightSource, skipChannels: number[], layout: SongLayout) {
    super();
    const { style, outChannels, resampleFilter: taps } = layout;
    const skips = [...skipChannels];
    const all = levels(layout);
    let channels = skips.at(-1)!;
    for (const [level, { resolution, channels: wide }] of [...all.entries()].reverse()) {
      const name = `${resolution}x${resolution}`;
      const lowest = level === all.length - 1;
      const same = { inChannels: channels, outChannels: channels };
      if (lowest) {
        this.set(`${name}_in0`, new UNetBlock(source, { ...same, attention: true }, style));
        this.set(`${name}_in1`, new UNetBlock(source, same, style));
      } else {
        this.set(`${name}_up`, new UNetBlock(source, { ...same, resample: "up" }, style));
      }
      for (let index = 0; index <= layout.blocksPerResolution; index++) {
        const last = index === layout.blocksPerResolution;
        const attention = last && layout.attentionResolutions.includes(resolution);
        const shape = { inChannels: channels + skips.pop()!, outChannels: wide, attention };
        this.set(`${name}_block${index}`, new UNetBlock(source, shape, style));
        channels = wide;
      }
      if (layout.decoderType === "standard" && level > 0) continue;
      if (layout.decoderType === "skip" && !lowest) {
        this.set(`${name}_aux_up`, new Resampling({ direction: "up", taps }));
      }
      this.set(`${name}_aux_norm`, groupNormalization(channels, style.normalizationEps));
      this.set(`${name}_aux_conv`, new Convolution(source, channels, outChannels, 3, style.finalStart));
    }
  }

  /** @param encoded the encoder's outputs; is emptied */
  forward(encoded: Tensor[], embedding: Tensor): Tensor {
    let x = encoded.at(-1)!;
    let activation = x;
    let image: Tensor | undefined;
    for (const [, part] of this) {
      if (part instanceof UNetBlock) x = decoderStep(part, x, encoded, embedding);
      else if (part instanceof GroupNorm) activation = activated(part, x);
      else if (part instanceof Resampling) image = part.forward(image!);
      else image = image ? part.forward(activation).add_(image) : part.forward(activation);
    }
    return image!;
  }
}

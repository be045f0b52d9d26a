import { ModuleDict, type Tensor } from "@disback/torch";
import { Convolution } from "./convolution.js";
import { levels } from "./levels.js";
import { Resampling } from "./resampling.js";
import { ImageInput, ResidualInput } from "./song-auxiliary.js";
import type { SongLayout } from "./song-options.js";
import { UNetBlock } from "./unet-block.js";
import type { WeightSource } from "./weights.js";

type Part = UNetBlock | Convolution | Resampling;

/** The contracting half of DDPM++ and NCSN++: parts in execution order. */
export class SongEncoder extends ModuleDict<Part> {
  /** channels of each output, from the image on */
  readonly outputChannels: number[] = [];

  constructor(source: WeightSource, layout: SongLayout) {
    super();
    const { style } = layout;
    let channels = layout.modelChannels;
    let imageChannels = layout.inChannels;
    for (const [level, { resolution, channels: wide }] of levels(layout).entries()) {
      const name = `${resolution}x${resolution}`;
      if (level === 0) {
        this.set(`${name}_conv`, new Convolution(source, layout.inChannels, channels, 3, style.start));
      } else {
        const shape = { inChannels: channels, outChannels: channels, resample: "down" } as const;
        this.set(`${name}_down`, new UNetBlock(source, shape, style));
        imageChannels = this.addImagePath(source, name, imageChannels, channels, layout);
      }
      this.outputChannels.push(channels);
      const attention = layout.attentionResolutions.includes(resolution);
      for (let index = 0; index < layout.blocksPerResolution; index++) {
        const shape = { inChannels: channels, outChannels: wide, attention };
        this.set(`${name}_block${index}`, new UNetBlock(source, shape, style));
        channels = wide;
        this.outputChannels.push(channels);
      }
    }
  }

  /** @returns the features after every part, ending with the bottleneck */
  forward(image: Tensor, embedding: Tensor): Tensor[] {
    const outputs: Tensor[] = [];
    let x = image;
    let beside = image;
    for (const [, part] of this) {
      if (part instanceof Resampling) {
        beside = part.forward(beside);
        continue;
      }
      if (part instanceof ImageInput) {
        x = part.forward(beside).add_(x);
        outputs.pop();
      } else if (part instanceof ResidualInput) {
        beside = part.forward(beside).add_(x).mul_(Math.SQRT1_2);
        x = beside;
        outputs.pop();
      } else {
        x = part instanceof UNetBlock ? part.forward(x, embedding) : part.forward(x);
      }
      outputs.push(x);
    }
    return outputs;
  }

  /** The path of the image to a lower level, parallel to the blocks. @returns its output channels */
  private addImagePath(
    source: WeightSource,
    name: string,
    imageChannels: number,
    channels: number,
    layout: SongLayout,
  ): number {
    const taps = layout.resampleFilter;
    const { start } = layout.style;
    if (layout.encoderType === "skip") {
      this.set(`${name}_aux_down`, new Resampling({ direction: "down", taps }));
      this.set(`${name}_aux_skip`, new ImageInput(source, imageChannels, channels, start));
    }
    if (layout.encoderType !== "residual") return imageChannels;
    this.set(`${name}_aux_residual`, new ResidualInput(source, imageChannels, channels, start, taps));
    return channels;
  }
}

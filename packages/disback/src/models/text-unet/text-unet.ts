import { cat, type DType, onesLike, scope, type Tensor, zeros } from "@disback/torch";
import { BertModel } from "../../text/bert/bert-model.js";
import { Network } from "../network.js";
import type { ConditionLevel, UNet2DConditionOptions } from "../unet-2d-condition/options.js";
import { type UNet2DCondition, UNet2DConditionModel } from "../unet-2d-condition/unet-2d-condition.js";
import type { WeightSource } from "../weights.js";

export interface TextUNetOptions {
  inChannels: number;
  outChannels: number;
  imageResolution: number;
  patchSize: number;
  blockChannels: readonly number[];
  layersPerBlock: number;
  attentionResolutions: readonly number[];
  heads: number;
  normalizationGroups: number;
  dropout: number;
  vocabulary: readonly string[];
  textLength: number;
  textChannels: number;
  textLayers: number;
  textHeads: number;
  /** factor of noise levels, which the U-Net takes for steps up to 1000 */
  noiseScale: number;
}

/**
 * A U-Net that is told a text, and the text's encoder, trained together: pixels in squares of `patchSize` as channels,
 * `UNet2DConditionModel` of diffusers on them, `BertModel` of transformers for the text. Every level is scaled and
 * shifted by the mean of the text's states; those with attention look at the states themselves.
 *
 * Its labels are tokens `[N, textLength]` as `readPrompt` gives them; zeros mean "no text".
 */
export class TextUNet extends Network {
  readonly text: BertModel;
  readonly unet: UNet2DConditionModel;

  constructor(
    source: WeightSource,
    private readonly options: TextUNetOptions,
  ) {
    super();
    const { vocabulary, textChannels, textLayers, textHeads, textLength } = options;
    this.text = new BertModel(source, {
      tokens: vocabulary.length + 1,
      channels: textChannels,
      feedForwardChannels: 2 * textChannels,
      layers: textLayers,
      heads: textHeads,
      places: textLength,
      kinds: 1,
      normalizationEps: 1e-6,
      pooler: false,
    });
    this.unet = new UNet2DConditionModel(source, unetOptions(options));
  }

  get dtype(): DType {
    return this.unet.dtype;
  }

  forward(x: Tensor, noise: Tensor, labels?: Tensor): Tensor {
    const { patchSize, noiseScale } = this.options;
    return scope(() => {
      const input = patchesAsChannels(x, patchSize);
      const output = this.unet.forward(input, noise.mul(noiseScale), this.read(x, labels));
      return channelsAsPatches(output, patchSize);
    });
  }

  features(x: Tensor, noise: Tensor, labels?: Tensor): Tensor {
    const { patchSize, noiseScale } = this.options;
    return scope(() => {
      const input = patchesAsChannels(x, patchSize);
      return this.unet.features(input, noise.mul(noiseScale), this.read(x, labels));
    });
  }

  /** The states of the text. @param labels tokens `[N, L]` or `[1, L]`; none means no text */
  private read(x: Tensor, labels?: Tensor): UNet2DCondition {
    const rows = x.shape[0]!;
    const { textLength: length } = this.options;
    const given = labels ?? zeros([1, length], { device: x.device });
    const tokens = given.shape[0] === rows ? given : given.expand([rows, length]);
    // The first place always counts, so that "no text" has a state to look at, too.
    const seen = tokens
      .narrow(1, 1, length - 1)
      .gt(0)
      .to(this.dtype);
    const mask = cat([onesLike(tokens.narrow(1, 0, 1)).to(this.dtype), seen], 1);
    const text = this.text.forward(tokens.to("int64"), mask);
    const weights = mask.unsqueeze(2);
    return {
      text,
      textMask: mask,
      pooled: text
        .mul(weights)
        .sum([1])
        .div(weights.sum([1])),
    };
  }
}

/** `[N, C, H, W]` to `[N, C p², H / p, W / p]`, as pixel_unshuffle of PyTorch. */
function patchesAsChannels(x: Tensor, side: number): Tensor {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const [rows, columns] = [height / side, width / side];
  return x
    .reshape([batch, channels, rows, side, columns, side])
    .permute([0, 1, 3, 5, 2, 4])
    .reshape([batch, channels * side * side, rows, columns]);
}

/** The way back. */
function channelsAsPatches(x: Tensor, side: number): Tensor {
  const [batch, packed, rows, columns] = x.shape as [number, number, number, number];
  const channels = packed / side ** 2;
  return x
    .reshape([batch, channels, side, side, rows, columns])
    .permute([0, 1, 4, 2, 5, 3])
    .reshape([batch, channels, rows * side, columns * side]);
}

function unetOptions(options: TextUNetOptions): UNet2DConditionOptions {
  const { blockChannels, layersPerBlock: layers, patchSize, textChannels, heads } = options;
  const side = options.imageResolution / patchSize;
  const level = (index: number, blocks: number): ConditionLevel => ({
    channels: blockChannels[index]!,
    attention: options.attentionResolutions.includes(side / 2 ** index),
    heads,
    textChannels,
    transformerLayers: Array<number>(blocks).fill(1),
  });
  const levels = [...blockChannels.keys()];
  const last = blockChannels.length - 1;
  return {
    inChannels: options.inChannels * patchSize ** 2,
    outChannels: options.outChannels * patchSize ** 2,
    centerInput: false,
    cosineFirst: true,
    frequencyShift: 0,
    embeddingChannels: 4 * blockChannels[0]!,
    down: levels.map((index) => level(index, layers)),
    middle: { ...level(last, 1), attention: true, scale: 1 },
    up: levels.reverse().map((index) => level(index, layers + 1)),
    downsamplePadding: 1,
    dropout: options.dropout,
    normalizationGroups: options.normalizationGroups,
    normalizationEps: 1e-5,
    scaleShift: true,
    linearProjection: true,
    added: { sizeChannels: 0, inChannels: textChannels },
  };
}

import { buffer, fromTypedArray, Module, ops, parameter, type Tensor } from "@disback/torch";
import { initialWeights, type WeightSource } from "../weights.js";

/** Cuts samples into patches: one token each, with its place added. Keys as of PatchEmbed in diffusers. */
export class PatchEmbedding extends Module {
  readonly proj: PatchProjection;
  readonly pos_embed: Tensor;

  constructor(source: WeightSource, inChannels: number, channels: number, patchSize: number, side: number) {
    super();
    this.proj = new PatchProjection(source, inChannels, channels, patchSize);
    this.pos_embed = buffer(placeEmbedding(channels, side), { persistent: false });
  }

  /** @param x `[N, in, H, W]` @returns `[N, tokens, channels]`, row by row */
  forward(x: Tensor): Tensor {
    return this.proj.forward(x).flatten(2).transpose(1, 2).add(this.pos_embed);
  }
}

/** A convolution whose stride is its kernel's size: a linear layer on each patch. */
export class PatchProjection extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;

  constructor(
    source: WeightSource,
    inChannels: number,
    channels: number,
    readonly patchSize: number,
  ) {
    super();
    const shapes = { weight: [channels, inChannels, patchSize, patchSize], bias: [channels] };
    const start = { distribution: "xavier-uniform" } as const;
    const { weight, bias } = initialWeights(source, start, shapes, inChannels * patchSize ** 2, channels);
    this.weight = parameter(weight);
    this.bias = parameter(bias!);
  }

  forward(x: Tensor): Tensor {
    return ops.conv2d(x, this.weight, this.bias, [this.patchSize, this.patchSize]);
  }
}

/**
 * Puts tokens back where they were cut out.
 * @param tokens `[N, rows * columns, p * p * C]`; their numbers run over rows and columns of the patch, then channels
 * @param places rows and columns of patches
 * @returns `[N, C, rows * p, columns * p]`
 */
export function joinPatches(
  tokens: Tensor,
  [rows, columns]: readonly [rows: number, columns: number],
  patchSize: number,
): Tensor {
  const [batch, , packed] = tokens.shape as [number, number, number];
  const channels = packed / patchSize ** 2;
  return tokens
    .reshape([batch, rows, columns, patchSize, patchSize, channels])
    .permute([0, 5, 1, 3, 2, 4])
    .reshape([batch, channels, rows * patchSize, columns * patchSize]);
}

/**
 * Sines and cosines of a token's column, then of its row, at geometrically spaced frequencies (Vaswani et al. 2017,
 * section 3.5). Computed in double precision as in the original.
 * @param scale divides places: with 3, three patches are one apart
 * @returns `[1, side * side, channels]`
 */
export function placeEmbedding(channels: number, side: number, scale = 1): Tensor {
  const quarter = channels / 4;
  const values = new Float32Array(side * side * channels);
  for (let token = 0; token < side * side; token++) {
    for (const [half, place] of [token % side, Math.floor(token / side)].entries()) {
      for (let i = 0; i < quarter; i++) {
        const phase = Math.fround(place / scale) / 10000 ** (i / quarter);
        const at = token * channels + half * 2 * quarter + i;
        values[at] = Math.sin(phase);
        values[at + quarter] = Math.cos(phase);
      }
    }
  }
  return fromTypedArray(values, [1, side * side, channels]);
}

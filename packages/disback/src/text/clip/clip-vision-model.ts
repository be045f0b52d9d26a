import { cat, type DType, LayerNorm, Module, ops, parameter, scope, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { Dense } from "../../models/dense.js";
import { torchStart } from "../../models/unet-2d/start.js";
import { initialWeights, type WeightSource } from "../../models/weights.js";
import { EmbeddingTable } from "../embedding-table.js";
import { ClipLayer } from "./clip-layer.js";
import type { ClipVisionOptions } from "./options.js";

/**
 * The picture encoder of CLIP (Radford et al. 2021): `CLIPVisionModelWithProjection` of transformers, whose keys it has,
 * "pre_layrnorm" among them.
 */
export class ClipVisionModel extends Module {
  readonly vision_model: {
    embeddings: { class_embedding: Tensor; patch_embedding: Patches; position_embedding: EmbeddingTable };
    pre_layrnorm: LayerNorm;
    encoder: { layers: ClipLayer[] };
    post_layernorm: LayerNorm;
  };
  readonly visual_projection: Dense;

  constructor(
    source: WeightSource,
    readonly options: ClipVisionOptions,
  ) {
    super();
    const { channels, layers, imageResolution, patchSize, normalizationEps: eps } = options;
    const places = Math.floor(imageResolution / patchSize) ** 2 + 1;
    this.vision_model = {
      embeddings: {
        class_embedding: parameter(source.normal([channels])),
        patch_embedding: new Patches(source, options),
        position_embedding: new EmbeddingTable(source, places, channels),
      },
      pre_layrnorm: new LayerNorm(channels, { eps }),
      encoder: { layers: Array.from({ length: layers }, () => new ClipLayer(source, options)) },
      post_layernorm: new LayerNorm(channels, { eps }),
    };
    this.visual_projection = new Dense(source, channels, options.projectionChannels, torchStart, {
      bias: false,
    });
  }

  /** dtype of its weights */
  get dtype(): DType {
    return this.visual_projection.weight.dtype;
  }

  /**
   * @param pixels `[N, C, H, W]` of its resolution, normalized as it was trained
   * @returns the pictures as vectors `[N, projectionChannels]`
   * @throws DisbackError if they are of another size
   */
  forward(pixels: Tensor): Tensor {
    const { imageChannels, imageResolution: side } = this.options;
    const [count, ...shape] = pixels.shape;
    if (shape.join() !== [imageChannels, side, side].join())
      throw new DisbackError(
        `pictures: are [${shape.join(", ")}], the encoder takes [${imageChannels}, ${side}, ${side}]`,
      );
    const { embeddings, pre_layrnorm, encoder, post_layernorm } = this.vision_model;
    return scope(() => {
      const patches = embeddings.patch_embedding.forward(pixels);
      const first = embeddings.class_embedding.reshape([1, 1, -1]).expand([count!, 1, -1]);
      const places = embeddings.position_embedding.first(1 + patches.shape[1]!);
      let states = pre_layrnorm.forward(cat([first, patches], 1).add(places));
      for (const layer of encoder.layers) {
        const before = states;
        states = layer.forward(before);
        before.dispose();
      }
      return this.visual_projection.forward(post_layernorm.forward(states.select(1, 0)));
    });
  }
}

/** Squares of a picture as vectors. */
class Patches extends Module {
  readonly weight: Tensor;
  private readonly side: number;

  constructor(source: WeightSource, { imageChannels, channels, patchSize: side }: ClipVisionOptions) {
    super();
    const shapes = { weight: [channels, imageChannels, side, side] };
    const numbers = imageChannels * side ** 2;
    this.weight = parameter(initialWeights(source, torchStart, shapes, numbers, channels).weight);
    this.side = side;
  }

  /** @param pixels `[N, C, H, W]` @returns `[N, patches, channels]` */
  forward(pixels: Tensor): Tensor {
    return ops.conv2d(pixels, this.weight, null, [this.side, this.side]).flatten(2).transpose(1, 2);
  }
}

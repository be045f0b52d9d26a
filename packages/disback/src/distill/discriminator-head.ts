import {
  Conv2d,
  type Generator,
  type GroupNorm,
  Linear,
  Module,
  ModuleList,
  ops,
  stack,
  type Tensor,
} from "@disback/torch";
import { DisbackError } from "../errors.js";
import { groupNormalization } from "../models/group-normalization.js";

/** A small network that tells real from generated samples by a denoiser's features. */
export abstract class DiscriminatorHead extends Module {
  /** @param features of `FeatureDenoiser` @returns logits `[N]`, positive for "real" */
  abstract forward(features: Tensor): Tensor;
}

/** A head for each of several depths. */
export class LayerHeads extends Module {
  readonly heads: ModuleList<DiscriminatorHead>;

  constructor(heads: DiscriminatorHead[]) {
    super();
    this.heads = new ModuleList(heads);
  }

  /** @param layers features of each depth @returns logits `[N, depths]`, positive for "real" */
  forward(layers: readonly Tensor[]): Tensor {
    return stack(
      [...this.heads].map((head, depth) => head.forward(layers[depth]!)),
      1,
    );
  }
}

/** For features of images, `[N, C, h, w]`: a strided convolution, the mean over all positions, a linear layer. */
class ImageHead extends DiscriminatorHead {
  readonly conv: Conv2d;
  readonly norm: GroupNorm;
  readonly out: Linear;

  constructor(channels: number, generator: Generator) {
    super();
    this.conv = new Conv2d(channels, channels, 3, { stride: 2, padding: 1, generator });
    this.norm = groupNormalization(channels, 1e-5);
    this.out = new Linear(channels, 1, { generator });
  }

  forward(features: Tensor): Tensor {
    const hidden = ops.silu(this.norm.forward(this.conv.forward(features)));
    return this.out.forward(hidden.mean([2, 3])).squeeze(1);
  }
}

/** For features of points, `[N, C]`: two layers. */
class PointHead extends DiscriminatorHead {
  readonly hidden: Linear;
  readonly out: Linear;

  constructor(channels: number, generator: Generator) {
    super();
    const width = Math.max(channels, 32);
    this.hidden = new Linear(channels, width, { generator });
    this.out = new Linear(width, 1, { generator });
  }

  forward(features: Tensor): Tensor {
    return this.out.forward(ops.silu(this.hidden.forward(features))).squeeze(1);
  }
}

/**
 * @param shape shape of the features, N first
 * @param generator draws the initial weights, on the CPU
 * @param who name of the objective, for the message
 * @throws DisbackError if the features belong to neither images nor points
 */
export function discriminatorHead(
  shape: readonly number[],
  generator: Generator,
  who: string,
): DiscriminatorHead {
  const channels = shape[1]!;
  if (shape.length === 4) return new ImageHead(channels, generator);
  if (shape.length === 2) return new PointHead(channels, generator);
  throw new DisbackError(
    `${who}: features of shape [${shape.join(", ")}] belong to neither images nor points`,
  );
}

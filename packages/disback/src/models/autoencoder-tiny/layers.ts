import { Module, ops, parameter, scope, type Tensor } from "@disback/torch";
import { type ActivationName, activate } from "../unet-2d/activation.js";
import { torchStart } from "../unet-2d/start.js";
import { initialWeights, type WeightSource } from "../weights.js";

/** A step of one of the two halves: `[N, C, H, W]` to the same with other sizes. */
export interface TinyLayer extends Module {
  forward(x: Tensor): Tensor;
}

/** A 3x3 convolution that keeps the resolution, or halves it. */
export class TinyConvolution extends Module implements TinyLayer {
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  private readonly stride: number;

  constructor(
    source: WeightSource,
    inChannels: number,
    outChannels: number,
    options: { stride?: number; bias?: boolean } = {},
  ) {
    super();
    const bias = options.bias === false ? undefined : [outChannels];
    const shapes = { weight: [outChannels, inChannels, 3, 3], ...(bias ? { bias } : {}) };
    const start = initialWeights(source, torchStart, shapes, 9 * inChannels, 9 * outChannels);
    this.weight = parameter(start.weight);
    this.bias = start.bias && parameter(start.bias);
    this.stride = options.stride ?? 1;
  }

  forward(x: Tensor): Tensor {
    return ops.conv2d(x, this.weight, this.bias, [this.stride, this.stride], [1, 1]);
  }
}

/** Three convolutions and a way past them: `AutoencoderTinyBlock` of diffusers. */
export class TinyBlock extends Module implements TinyLayer {
  readonly conv: { 0: TinyConvolution; 2: TinyConvolution; 4: TinyConvolution };

  constructor(
    source: WeightSource,
    channels: number,
    private readonly activation: ActivationName,
  ) {
    super();
    const convolution = () => new TinyConvolution(source, channels, channels);
    this.conv = { 0: convolution(), 2: convolution(), 4: convolution() };
  }

  forward(x: Tensor): Tensor {
    return scope(() => {
      const first = activate(this.conv[0].forward(x), this.activation);
      const second = activate(this.conv[2].forward(first), this.activation);
      return ops.relu(this.conv[4].forward(second).add(x));
    });
  }
}

/** A function between layers. */
export class TinyActivation extends Module implements TinyLayer {
  constructor(private readonly activation: ActivationName) {
    super();
  }

  forward(x: Tensor): Tensor {
    return activate(x, this.activation);
  }
}

/** Copies pixels. */
export class TinyEnlargement extends Module implements TinyLayer {
  constructor(private readonly factor: number) {
    super();
  }

  forward(x: Tensor): Tensor {
    const [height, width] = x.shape.slice(2) as [number, number];
    return ops.upsample_nearest2d(x, [this.factor * height, this.factor * width]);
  }
}

import { cat, Module, ops, parameter, scope, type Tensor } from "@disback/torch";
import { torchStart } from "../unet-2d/start.js";
import { convolutionWeights, type WeightSource } from "../weights.js";
import type { Past } from "./past.js";

type Kernel = readonly [frames: number, rows: number, columns: number];

/** A convolution over frames, rows and columns that sees no later frames: `WanCausalConv3d` of diffusers. */
export class CausalConvolution extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;

  constructor(
    source: WeightSource,
    inChannels: number,
    outChannels: number,
    private readonly kernel: Kernel,
    private readonly stride = 1,
  ) {
    super();
    const { weight, bias } = convolutionWeights(source, torchStart, [inChannels, outChannels], kernel);
    this.weight = parameter(weight);
    this.bias = parameter(bias!);
  }

  /**
   * Zeros stand before the clip's first frame.
   * @param x the clip's next frames `[N, in, T, H, W]` @returns `[N, out, T, H, W]`
   */
  forward(x: Tensor, past: Past): Tensor {
    const before = this.kernel[0] - 1;
    if (before === 0) return this.convolve(x);
    return scope(() => {
      const seen = past.of(this);
      const all = seen ? cat([seen, x], 2) : ops.constant_pad_nd(x, [0, 0, 0, 0, before, 0]);
      past.remember(this, all, before);
      return this.convolve(all);
    });
  }

  /** Frames that are there alone. @param x `[N, in, T, H, W]` @returns `[N, out, (T - frames) / stride + 1, H, W]` */
  convolve(x: Tensor): Tensor {
    const [, rows, columns] = this.kernel;
    const padding = [0, Math.floor(rows / 2), Math.floor(columns / 2)];
    return ops.conv3d(x, this.weight, this.bias, [this.stride, 1, 1], padding);
  }
}

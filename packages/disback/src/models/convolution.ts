import { adapted, buffer, layerConvolution, Module, parameter, type Tensor } from "@disback/torch";
import { isBox, type Resample, resample, resamplingKernel } from "./resampling.js";
import { convolutionWeights, type WeightSource, type WeightStart } from "./weights.js";

/** A convolution of odd kernel size that keeps the resolution, or resamples its input first. */
export class Convolution extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  readonly resample_filter: Tensor | null;
  protected readonly padding: number;

  constructor(
    source: WeightSource,
    readonly inChannels: number,
    readonly outChannels: number,
    private readonly kernel: number,
    start: WeightStart,
    protected readonly change?: Resample,
  ) {
    super();
    const { weight, bias } = convolutionWeights(source, start, [inChannels, outChannels], [kernel, kernel]);
    this.weight = parameter(weight);
    this.bias = bias && parameter(bias);
    this.resample_filter = change ? buffer(resamplingKernel(change.taps)) : null;
    this.padding = Math.floor(kernel / 2);
  }

  /** @param x `[N, in, H, W]` @returns `[N, out, H, W]`, or `2H, 2W` or `H/2, W/2` */
  forward(x: Tensor): Tensor {
    if (!this.change || !this.resample_filter) return this.convolve(x, this.padding);
    // A pointwise convolution commutes with copying pixels, and is four times cheaper before it.
    if (this.kernel === 1 && this.change.direction === "up" && isBox(this.change.taps)) {
      return resample(this.convolve(x, 0), this.change, this.resample_filter);
    }
    return this.convolve(resample(x, this.change, this.resample_filter), this.padding);
  }

  protected convolve(x: Tensor, padding: number, stride = 1): Tensor {
    const run = (weight: Tensor, bias: Tensor | null) =>
      layerConvolution(x, weight, bias, { stride: [stride, stride], padding: [padding, padding] });
    return adapted(this, run(this.weight, this.bias), (weight) => run(weight, null));
  }
}

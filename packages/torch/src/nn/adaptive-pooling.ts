import { ops } from "../ops.js";
import type { Tensor } from "../tensor.js";
import { type PerAxis, perAxis } from "./conv.js";
import { Module } from "./module.js";

/** Pools to a given output size, whatever the input's. */
abstract class AdaptivePool extends Module {
  /** @param size the output's, one number for all axes or one for each */
  constructor(protected readonly size: PerAxis) {
    super();
  }
}

/** The mean of windows of `[N, C, L]` that make `[N, C, size]`. */
export class AdaptiveAvgPool1d extends AdaptivePool {
  forward(input: Tensor): Tensor {
    return ops.adaptive_avg_pool1d(input, perAxis(this.size, 1));
  }
}

/** The mean of windows of `[N, C, H, W]` that make `[N, C, ...size]`. */
export class AdaptiveAvgPool2d extends AdaptivePool {
  forward(input: Tensor): Tensor {
    return ops.adaptive_avg_pool2d(input, perAxis(this.size, 2));
  }
}

/** The mean of windows of `[N, C, D, H, W]` that make `[N, C, ...size]`. */
export class AdaptiveAvgPool3d extends AdaptivePool {
  forward(input: Tensor): Tensor {
    return ops.adaptive_avg_pool3d(input, perAxis(this.size, 3));
  }
}

/** The largest values of windows of `[N, C, L]` that make `[N, C, size]`. */
export class AdaptiveMaxPool1d extends AdaptivePool {
  forward(input: Tensor): Tensor {
    return ops.adaptive_max_pool1d(input, perAxis(this.size, 1))[0];
  }
}

/** The largest values of windows of `[N, C, H, W]` that make `[N, C, ...size]`. */
export class AdaptiveMaxPool2d extends AdaptivePool {
  forward(input: Tensor): Tensor {
    return ops.adaptive_max_pool2d(input, perAxis(this.size, 2))[0];
  }
}

/** The largest values of windows of `[N, C, D, H, W]` that make `[N, C, ...size]`. */
export class AdaptiveMaxPool3d extends AdaptivePool {
  forward(input: Tensor): Tensor {
    return ops.adaptive_max_pool3d(input, perAxis(this.size, 3))[0];
  }
}

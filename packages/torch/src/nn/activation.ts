import { full } from "../creation.js";
import { ops } from "../ops.js";
import type { Tensor } from "../tensor.js";
import type { LayerOptions } from "./initialization.js";
import { Module } from "./module.js";
import { parameter } from "./parameter.js";

/** Hands its input through. */
export class Identity extends Module {
  forward(input: Tensor): Tensor {
    return input;
  }
}

/** max(x, 0) */
export class ReLU extends Module {
  forward(input: Tensor): Tensor {
    return ops.relu(input);
  }
}

/** min(max(x, 0), 6) */
export class ReLU6 extends Module {
  forward(input: Tensor): Tensor {
    return ops.relu6(input);
  }
}

/** x, below 0 times `slope` (default 0.01) */
export class LeakyReLU extends Module {
  constructor(private readonly slope = 0.01) {
    super();
  }
  forward(input: Tensor): Tensor {
    return ops.leaky_relu(input, this.slope);
  }
}

/** x, below 0 times a learned `weight` [1], or one for each of `channels` (He et al. 2015) */
export class PReLU extends Module {
  readonly weight: Tensor;
  constructor(channels = 1, start = 0.25, { dtype, device }: LayerOptions = {}) {
    super();
    this.weight = parameter(full([channels], start, { dtype, device }));
  }
  forward(input: Tensor): Tensor {
    return ops.prelu(input, this.weight);
  }
}

/** x, below 0 alpha (e^x - 1) (Clevert et al. 2016) */
export class ELU extends Module {
  constructor(private readonly alpha = 1) {
    super();
  }
  forward(input: Tensor): Tensor {
    return ops.elu(input, this.alpha);
  }
}

/** ELU scaled so that mean and variance are kept (Klambauer et al. 2017) */
export class SELU extends Module {
  forward(input: Tensor): Tensor {
    return ops.selu(input);
  }
}

/** x Phi(x) (Hendrycks and Gimpel 2016); "tanh" is their approximation */
export class GELU extends Module {
  constructor(private readonly approximate: "none" | "tanh" = "none") {
    super();
  }
  forward(input: Tensor): Tensor {
    return ops.gelu(input, this.approximate);
  }
}

/** x sigmoid(x) (Elfwing et al. 2017), also called swish */
export class SiLU extends Module {
  forward(input: Tensor): Tensor {
    return ops.silu(input);
  }
}

/** x tanh(softplus(x)) (Misra 2019) */
export class Mish extends Module {
  forward(input: Tensor): Tensor {
    return ops.mish(input);
  }
}

/** x relu6(x + 3) / 6 (Howard et al. 2019) */
export class Hardswish extends Module {
  forward(input: Tensor): Tensor {
    return ops.hardswish(input);
  }
}

/** log(1 + e^(beta x)) / beta; beyond beta x = threshold simply x */
export class Softplus extends Module {
  constructor(
    private readonly beta = 1,
    private readonly threshold = 20,
  ) {
    super();
  }
  forward(input: Tensor): Tensor {
    return ops.softplus(input, this.beta, this.threshold);
  }
}

/** 1 / (1 + e^-x) */
export class Sigmoid extends Module {
  forward(input: Tensor): Tensor {
    return ops.sigmoid(input);
  }
}

/** log sigmoid(x) */
export class LogSigmoid extends Module {
  forward(input: Tensor): Tensor {
    return ops.log_sigmoid(input);
  }
}

/** tanh(x) */
export class Tanh extends Module {
  forward(input: Tensor): Tensor {
    return ops.tanh(input);
  }
}

/** e^x over its sum along an axis */
export class Softmax extends Module {
  constructor(private readonly dim: number) {
    super();
  }
  forward(input: Tensor): Tensor {
    return ops.softmax(input, this.dim);
  }
}

/** The logarithm of softmax */
export class LogSoftmax extends Module {
  constructor(private readonly dim: number) {
    super();
  }
  forward(input: Tensor): Tensor {
    return ops.log_softmax(input, this.dim);
  }
}

/** The first half along an axis times the sigmoid of the second (Dauphin et al. 2017) */
export class GLU extends Module {
  constructor(private readonly dim = -1) {
    super();
  }
  forward(input: Tensor): Tensor {
    return ops.glu(input, this.dim);
  }
}

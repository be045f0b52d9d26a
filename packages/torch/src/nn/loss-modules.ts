import type { Tensor } from "../tensor.js";
import * as losses from "./losses.js";
import { Module } from "./module.js";

/** A loss with its options: `new MSELoss({ reduction: "sum" }).forward(input, target)`. */
abstract class Loss<Options extends object> extends Module {
  constructor(protected readonly options: Options = {} as Options) {
    super();
  }
  abstract forward(input: Tensor, target: Tensor): Tensor;
}

/** See `mseLoss`. */
export class MSELoss extends Loss<losses.LossOptions> {
  forward(input: Tensor, target: Tensor): Tensor {
    return losses.mseLoss(input, target, this.options);
  }
}
/** See `l1Loss`. */
export class L1Loss extends Loss<losses.LossOptions> {
  forward(input: Tensor, target: Tensor): Tensor {
    return losses.l1Loss(input, target, this.options);
  }
}
/** See `smoothL1Loss`. */
export class SmoothL1Loss extends Loss<losses.SmoothL1LossOptions> {
  forward(input: Tensor, target: Tensor): Tensor {
    return losses.smoothL1Loss(input, target, this.options);
  }
}
/** See `huberLoss`. */
export class HuberLoss extends Loss<losses.HuberLossOptions> {
  forward(input: Tensor, target: Tensor): Tensor {
    return losses.huberLoss(input, target, this.options);
  }
}
/** See `nllLoss`. */
export class NLLLoss extends Loss<losses.NLLLossOptions> {
  forward(input: Tensor, target: Tensor): Tensor {
    return losses.nllLoss(input, target, this.options);
  }
}
/** See `crossEntropy`. */
export class CrossEntropyLoss extends Loss<losses.CrossEntropyLossOptions> {
  forward(input: Tensor, target: Tensor): Tensor {
    return losses.crossEntropy(input, target, this.options);
  }
}
/** See `binaryCrossEntropy`. */
export class BCELoss extends Loss<losses.BCELossOptions> {
  forward(input: Tensor, target: Tensor): Tensor {
    return losses.binaryCrossEntropy(input, target, this.options);
  }
}
/** See `binaryCrossEntropyWithLogits`. */
export class BCEWithLogitsLoss extends Loss<losses.BCEWithLogitsLossOptions> {
  forward(input: Tensor, target: Tensor): Tensor {
    return losses.binaryCrossEntropyWithLogits(input, target, this.options);
  }
}
/** See `klDiv`. */
export class KLDivLoss extends Loss<losses.KLDivLossOptions> {
  forward(input: Tensor, target: Tensor): Tensor {
    return losses.klDiv(input, target, this.options);
  }
}

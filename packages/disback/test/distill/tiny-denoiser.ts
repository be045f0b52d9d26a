import { cat, ops, parameter, type Tensor, zeros } from "@disback/torch";
import { DenoiserModule, type FeatureDenoiser } from "../../src/models/denoiser.js";

const sigmaData = 0.5;

/** One hidden layer with EDM's preconditioning, weights from fixtures/distill/make_objectives.py. */
export class TinyDenoiser extends DenoiserModule implements FeatureDenoiser {
  readonly w1: Tensor;
  readonly b1: Tensor;
  readonly w2: Tensor;
  readonly b2: Tensor;

  constructor(fixture: Map<string, Tensor>, name: string) {
    super();
    const weight = (key: string) => parameter(fixture.get(`${name}.${key}`)!.clone());
    this.w1 = weight("w1");
    this.b1 = weight("b1");
    this.w2 = weight("w2");
    this.b2 = weight("b2");
  }

  features(x: Tensor, sigma: Tensor, condition?: Tensor): Tensor {
    const level = sigma.unsqueeze(1);
    const classes = this.w1.shape[1]! - x.shape[1]! - 1;
    const scale = level
      .square()
      .add(sigmaData ** 2)
      .rsqrt();
    const input = cat([x.mul(scale), level.log().div(4), condition ?? zeros([x.shape[0]!, classes])], 1);
    return ops.linear(input, this.w1, this.b1).tanh();
  }

  denoise(x: Tensor, sigma: Tensor, condition?: Tensor): Tensor {
    const level = sigma.unsqueeze(1);
    const variance = level.square().add(sigmaData ** 2);
    const raw = ops.linear(this.features(x, sigma, condition), this.w2, this.b2);
    return x
      .mul(sigmaData ** 2)
      .div(variance)
      .add(level.mul(sigmaData).mul(variance.rsqrt()).mul(raw));
  }
}

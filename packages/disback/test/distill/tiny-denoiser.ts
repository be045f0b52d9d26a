import { cat, Linear, type Tensor, zeros } from "@disback/torch";
import { DenoiserModule, type FeatureDenoiser } from "../../src/models/denoiser.js";

const sigmaData = 0.5;

/** One hidden layer with EDM's preconditioning, weights from fixtures/distill/make_objectives.py. */
export class TinyDenoiser extends DenoiserModule implements FeatureDenoiser {
  readonly hidden: Linear;
  readonly out: Linear;

  constructor(fixture: Map<string, Tensor>, name: string) {
    super();
    const layer = (number: number) => {
      const weight = fixture.get(`${name}.w${number}`)!;
      const linear = new Linear(weight.shape[1]!, weight.shape[0]!);
      linear.loadStateDict(
        new Map([
          ["weight", weight],
          ["bias", fixture.get(`${name}.b${number}`)!],
        ]),
      );
      return linear;
    };
    this.hidden = layer(1);
    this.out = layer(2);
  }

  features(x: Tensor, sigma: Tensor, condition?: Tensor): Tensor {
    const level = sigma.unsqueeze(1);
    const classes = this.hidden.weight.shape[1]! - x.shape[1]! - 1;
    const scale = level
      .square()
      .add(sigmaData ** 2)
      .rsqrt();
    const input = cat([x.mul(scale), level.log().div(4), condition ?? zeros([x.shape[0]!, classes])], 1);
    return this.hidden.forward(input).tanh();
  }

  denoise(x: Tensor, sigma: Tensor, condition?: Tensor): Tensor {
    const level = sigma.unsqueeze(1);
    const variance = level.square().add(sigmaData ** 2);
    const raw = this.out.forward(this.features(x, sigma, condition));
    return x
      .mul(sigmaData ** 2)
      .div(variance)
      .add(level.mul(sigmaData).mul(variance.rsqrt()).mul(raw));
  }
}

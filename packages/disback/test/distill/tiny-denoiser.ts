import { cat, Linear, type Tensor, zeros } from "@disback/torch";
import { type Condition, classesOf } from "../../src/models/condition.js";
import { DenoiserModule, type FeatureDenoiser } from "../../src/models/denoiser.js";
import type { ModelFacts } from "../../src/models/facts.js";

const sigmaData = 0.5;

/** One hidden layer with EDM's preconditioning, weights from fixtures/distill/make_objectives.py. */
export class TinyDenoiser extends DenoiserModule implements FeatureDenoiser {
  readonly facts: ModelFacts;
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
    const dimension = this.out.weight.shape[0]!;
    const classes = this.hidden.weight.shape[1]! - dimension - 1;
    this.facts = { sampleShape: [dimension], sigmaData, condition: { class: [classes] } };
  }

  features(x: Tensor, sigma: Tensor, condition?: Condition): Tensor {
    const level = sigma.unsqueeze(1);
    const scale = level
      .square()
      .add(sigmaData ** 2)
      .rsqrt();
    const labels = condition?.class ?? zeros([x.shape[0]!, classesOf(this.facts)]);
    const input = cat([x.mul(scale), level.log().div(4), labels], 1);
    return this.hidden.forward(input).tanh();
  }

  denoise(x: Tensor, sigma: Tensor, condition?: Condition): Tensor {
    const level = sigma.unsqueeze(1);
    const variance = level.square().add(sigmaData ** 2);
    const raw = this.out.forward(this.features(x, sigma, condition));
    return x
      .mul(sigmaData ** 2)
      .div(variance)
      .add(level.mul(sigmaData).mul(variance.rsqrt()).mul(raw));
  }
}

/** The same with features at two depths: the hidden layer, and what the layer after it makes of that. */
export class TwoDepthsDenoiser extends TinyDenoiser {
  layerFeatures(x: Tensor, sigma: Tensor, condition?: Condition): Tensor[] {
    const hidden = this.features(x, sigma, condition);
    return [hidden, this.out.forward(hidden)];
  }
}

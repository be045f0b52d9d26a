import { ops, scope, type Tensor, zeros } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { type Condition, classesOf } from "../condition.js";
import { ConditionedNetwork, toldTo } from "../conditioned-network.js";
import { DenoiserModule, type FeatureDenoiser } from "../denoiser.js";
import type { ModelFacts } from "../facts.js";
import { inDtype, type Network } from "../network.js";

/** The factors around the network, each `[N, 1, ...]`, and the noise level as the network sees it, `[N]`. */
export interface Coefficients {
  /** factor of x in the output; 1 if absent */
  skip?: Tensor;
  /** factor of the network's output */
  out: Tensor;
  /** factor of x in the network's input; 1 if absent */
  in?: Tensor;
  noise: Tensor;
}

/**
 * A denoiser around a raw network F: D(x; sigma) = c_skip x + c_out F(c_in x; c_noise)
 * (Karras et al. 2022, eq. 7; the coefficients of each formulation are in its table 1).
 *
 * Coefficients have the dtype of x; the network gets the dtype of its weights; the result has the dtype of x.
 */
export abstract class PreconditionedDenoiser extends DenoiserModule implements FeatureDenoiser {
  /** Lowest noise level the network was made for. */
  abstract readonly sigmaMin: number;
  /** Highest noise level the network was made for. */
  abstract readonly sigmaMax: number;

  constructor(
    readonly model: Network,
    readonly facts: ModelFacts,
  ) {
    super();
  }

  /** Number of classes it knows, 0 if it takes none. */
  get labelDim(): number {
    return classesOf(this.facts);
  }

  /**
   * @param x noisy samples `[N, ...]`
   * @param sigma noise levels `[N]`, or `[1]` for all
   * @param condition its `class` is one-hot `[N, K]` or `[1, K]`; none means "no class"
   * @param augmentation augmentation labels `[N, augmentDim]`; none means the unaugmented distribution
   * @returns estimate of the clean samples, shape and dtype of `x`
   * @throws DisbackError naming the part of the condition that is missing or does not fit
   */
  denoise(x: Tensor, sigma: Tensor, condition?: Condition, augmentation?: Tensor): Tensor {
    return scope(() => {
      const { skip, out, in: scale, noise } = this.coefficientsFor(x, sigma);
      const dtype = this.model.dtype;
      const input = inDtype(scale ? x.mul(scale) : x, dtype);
      const shown = augmentation && inDtype(augmentation, dtype);
      const raw = this.pass(input, () => this.ask(input, noise.flatten(), condition, shown));
      // Channels after those of x are an estimate of the variance, which is not used.
      const channels = x.shape[1]!;
      const output = inDtype(raw.shape[1] === channels ? raw : raw.narrow(1, 0, channels), x.dtype);
      return ops.addcmul(skip ? x.mul(skip) : x, out, output);
    });
  }

  /**
   * What the network sees in noisy samples at its narrowest place; parameters as of `denoise`.
   * @returns `[N, channels, h, w]`, or `[N, channels]` for points, in the dtype of the network's weights
   */
  features(x: Tensor, sigma: Tensor, condition?: Condition): Tensor {
    return this.seen(x, sigma, (input, noise) => [this.askFeatures(input, noise, condition)])[0]!;
  }

  /** The same at several depths, see `Network.layerFeatures`. */
  layerFeatures(x: Tensor, sigma: Tensor, condition?: Condition): Tensor[] {
    const { model, facts } = this;
    return this.seen(x, sigma, (input, noise) =>
      model instanceof ConditionedNetwork
        ? model.layerFeaturesTold(input, noise, toldTo(facts.condition, condition, input))
        : model.layerFeatures(input, noise, this.labels(condition, input)),
    );
  }

  /** The nearest noise level the network knows; most know all. */
  roundSigma(sigma: number): number {
    return sigma;
  }

  /** @param sigma `[N, 1, ...]` in the dtype of x */
  protected abstract coefficients(sigma: Tensor): Coefficients;

  /** What the network is shown: its input in the dtype of its weights, and noise levels `[N]`. */
  protected shown(x: Tensor, sigma: Tensor): { input: Tensor; noise: Tensor } {
    const { in: scale, noise } = this.coefficientsFor(x, sigma);
    return { input: inDtype(scale ? x.mul(scale) : x, this.model.dtype), noise: noise.flatten() };
  }

  /** Features in the dtype of the network's weights. @param ask for the network's input and noise levels `[N]` */
  private seen(x: Tensor, sigma: Tensor, ask: (input: Tensor, noise: Tensor) => Tensor[]): Tensor[] {
    return scope(() => {
      const { input, noise } = this.shown(x, sigma);
      const features = this.pass(input, () => ask(input, noise));
      return features.map((one) => inDtype(one, this.model.dtype));
    });
  }

  private coefficientsFor(x: Tensor, sigma: Tensor): Coefficients {
    return this.coefficients(inDtype(sigma, x.dtype).reshape([-1, ...Array<number>(x.ndim - 1).fill(1)]));
  }

  private ask(x: Tensor, noise: Tensor, condition?: Condition, augmentation?: Tensor): Tensor {
    const { model } = this;
    if (!(model instanceof ConditionedNetwork)) {
      return model.forward(x, noise, this.labels(condition, x), augmentation);
    }
    return model.forwardTold(x, noise, toldTo(this.facts.condition, condition, x));
  }

  private askFeatures(x: Tensor, noise: Tensor, condition?: Condition): Tensor {
    const { model } = this;
    if (!(model instanceof ConditionedNetwork)) return model.features(x, noise, this.labels(condition, x));
    return model.featuresTold(x, noise, toldTo(this.facts.condition, condition, x));
  }

  private labels(condition: Condition | undefined, x: Tensor): Tensor | undefined {
    const [name, size] = this.labelled;
    const { [name]: labels, ...others } = condition ?? {};
    const [unknown] = Object.keys(others);
    if (unknown !== undefined) throw new DisbackError(`condition: this denoiser is not told "${unknown}"`);
    // Numbers of tokens are too large for half precision.
    const dtype = name === "class" ? this.model.dtype : "float32";
    if (!labels) return size > 0 ? zeros([1, size], { dtype, device: x.device }) : undefined;
    if (size === 0) throw new DisbackError("condition: this denoiser has no classes");
    const [rows, columns] = labels.shape;
    if (labels.ndim !== 2 || columns !== size || (rows !== 1 && rows !== x.shape[0])) {
      throw new DisbackError(
        `condition: expected ${name} [${x.shape[0]}, ${size}], got [${labels.shape.join(", ")}]`,
      );
    }
    return inDtype(labels, dtype);
  }

  /** What its network takes as labels, and how many numbers that is. */
  private get labelled(): [name: "class" | "tokens", size: number] {
    const tokens = this.facts.condition.tokens?.[0];
    return tokens === undefined ? ["class", this.labelDim] : ["tokens", tokens];
  }
}

import {
  Conv2d,
  type Generator,
  Linear,
  Module,
  noGrad,
  ops,
  parameter,
  randn,
  scope,
  type Tensor,
  zeros,
} from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { Block } from "./block.js";
import { blocksOf } from "./computation.js";
import type { Condition } from "./condition.js";
import { Convolution } from "./convolution.js";
import { DenoiserModule, type FeatureDenoiser } from "./denoiser.js";
import { Dense } from "./dense.js";
import type { ModelFacts } from "./facts.js";

export interface LowRankOptions {
  /** rank of each layer's adapter, at least 1, limited by the layer's own rank. Default 4 */
  rank?: number;
  /** draws the initial `down`, on the CPU */
  generator: Generator;
}

/** A layer with an adapter. Its `weight` is replaced while the denoiser runs. */
interface AdaptedLayer {
  module: { weight: Tensor };
  weight: Tensor;
  adapter: LowRankAdapter;
}

/** `W' = W + up down`, with a convolution's weight as a matrix `[out, in * height * width]`. */
class LowRankAdapter extends Module {
  /** `[rank, in]` */
  readonly down: Tensor;
  /** `[out, rank]`, initially zeros, so that the adapted layer starts unchanged */
  readonly up: Tensor;

  constructor(weight: Tensor, rank: number, generator: Generator) {
    super();
    const outputs = weight.shape[0]!;
    const inputs = weight.numel / outputs;
    const { dtype, device } = weight;
    const most = Math.min(rank, outputs, inputs);
    this.down = parameter(randn([most, inputs], { generator }).div_(Math.sqrt(inputs)).to({ dtype, device }));
    this.up = parameter(zeros([outputs, most], { dtype, device }));
  }

  get change(): Tensor {
    return this.up.matmul(this.down);
  }

  /**
   * Sets the adapter to the best approximation of a change at this rank (Eckart and Young 1936).
   * @param change `[out, in]`
   */
  approximate(change: Tensor): void {
    scope(() => {
      // A zero change has no directions, so the random ones stay.
      if (change.abs().max().item() === 0) return void this.up.detach().zero_();
      const rank = this.down.shape[0]!;
      const [left, singular, right] = ops.linalg_svd(change, false);
      this.up.detach().copy_(left.narrow(1, 0, rank).mul(singular.narrow(0, 0, rank)));
      this.down.detach().copy_(right.narrow(0, 0, rank));
    });
  }
}

/**
 * A denoiser with low-rank adapters on its linear and convolutional layers (LoRA, Hu et al. 2021, eq. 3): the layers'
 * weights are `W + up down` with `up [out, r]` and `down [r, in]`, of which only `up` and `down` are trained; biases
 * and normalizations stay. The denoiser itself is not copied and keeps its weights, so it can also be used directly. It
 * always stays in evaluation mode, so that nothing is dropped.
 *
 * Parameters and `stateDict` are those of the adapters.
 */
export class LowRankDenoiser extends DenoiserModule implements FeatureDenoiser {
  private readonly adapters: Record<string, LowRankAdapter> = {};
  private readonly layers: AdaptedLayer[] = [];
  private readonly blocks: Block[];

  /**
   * @param base frozen here, and in evaluation mode
   * @throws DisbackError if the rank is not a whole number from 1, or if the denoiser has no layers to adapt
   */
  constructor(
    private readonly base: DenoiserModule,
    { rank = 4, generator }: LowRankOptions,
  ) {
    super();
    if (!Number.isInteger(rank) || rank < 1)
      throw new DisbackError(`low rank: "rank" must be a whole number from 1, not ${rank}`);
    base.requiresGrad_(false).eval();
    this.blocks = blocksOf(base);
    const names = new Map(base.namedParameters().map(([name, tensor]) => [tensor, name]));
    for (const module of base.modules()) {
      if (!isAdaptable(module)) continue;
      const { weight } = module;
      const adapter = new LowRankAdapter(weight, rank, generator);
      this.adapters[names.get(weight)!.replace(/\.weight$/, "")] = adapter;
      this.layers.push({ module, weight, adapter });
    }
    if (this.layers.length === 0) throw new DisbackError("low rank: this denoiser has no layers to adapt");
  }

  /** Only the adapters, because the base belongs to the caller. */
  override members(): [string, unknown][] {
    return Object.entries(this.adapters);
  }

  get facts(): ModelFacts {
    return this.base.facts;
  }

  get sigmaMin(): number | undefined {
    return (this.base as Partial<FeatureDenoiser>).sigmaMin;
  }

  get sigmaMax(): number | undefined {
    return (this.base as Partial<FeatureDenoiser>).sigmaMax;
  }

  denoise(x: Tensor, sigma: Tensor, condition?: Condition): Tensor {
    return this.adapted(() => this.base.denoise(x, sigma, condition));
  }

  /** @throws DisbackError if the base has no features */
  features(x: Tensor, sigma: Tensor, condition?: Condition): Tensor {
    const { base } = this;
    if (!("features" in base)) throw new DisbackError("low rank: this denoiser's network has no features");
    return this.adapted(() => (base as DenoiserModule & FeatureDenoiser).features(x, sigma, condition));
  }

  /** A plain denoiser of the base's architecture with the same estimates. The caller owns it. */
  merged(): DenoiserModule {
    const plain = this.base.clone();
    noGrad(() =>
      plain
        .modules()
        .filter(isAdaptable)
        .forEach((module, index) => {
          scope(() => module.weight.add_(this.layers[index]!.adapter.change.reshape(module.weight.shape)));
        }),
    );
    return plain;
  }

  /** Sets the adapters to the best approximation of a model of the base's architecture at their rank. */
  approximate(model: DenoiserModule): void {
    const wanted = model.modules().filter(isAdaptable);
    if (wanted.length !== this.layers.length)
      throw new DisbackError("low rank: a model of another architecture cannot be approximated");
    noGrad(() =>
      this.layers.forEach(({ weight, adapter }, index) => {
        scope(() => adapter.approximate(asMatrix(wanted[index]!.weight.sub(weight))));
      }),
    );
  }

  private adapted<T>(run: () => T): T {
    // A block that ran again after this would not find the adapted weights.
    const recomputing = this.blocks.filter((block) => block.recomputes);
    for (const block of recomputing) block.recomputes = false;
    for (const { module, weight, adapter } of this.layers)
      module.weight = weight.add(adapter.change.reshape(weight.shape));
    try {
      return run();
    } finally {
      for (const { module, weight } of this.layers) module.weight = weight;
      for (const block of recomputing) block.recomputes = true;
    }
  }
}

function isAdaptable(module: Module): module is Module & { weight: Tensor } {
  return [Dense, Convolution, Linear, Conv2d].some((kind) => module instanceof kind);
}

function asMatrix(weight: Tensor): Tensor {
  return weight.reshape([weight.shape[0]!, -1]);
}

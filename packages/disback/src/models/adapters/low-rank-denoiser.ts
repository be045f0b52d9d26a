import {
  Conv2d,
  Generator,
  Linear,
  type Module,
  noGrad,
  scope,
  type Tensor,
  withAdapters,
} from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { Condition } from "../condition.js";
import { Convolution } from "../convolution.js";
import { DenoiserModule, type FeatureDenoiser } from "../denoiser.js";
import { Dense } from "../dense.js";
import type { ModelFacts } from "../facts.js";
import { LowRankAdapter } from "./low-rank-adapter.js";

export interface LowRankOptions {
  /** rank of each layer's adapter, at least 1, limited by the layer's own rank. Default 4 */
  rank?: number;
  /** layers that get an adapter: `all` (default) linear layers and convolutions, or those of `attention` alone */
  layers?: AdaptedLayers;
  /** draws the initial `down`, on the CPU */
  generator: Generator;
}

export type AdaptedLayers = "all" | "attention";

/** Keys of attention's projections: diffusers' names, and those of EDM's networks. */
const attention = /(^|\.)(to_[qkv]|to_out\.0|add_[qkv]_proj|to_add_out|qkv|(?<!\.net\.0\.)proj)$/;

/** A layer that can have an adapter. */
export type AdaptableLayer = Module & { weight: Tensor };

/**
 * A denoiser with low-rank adapters on its linear layers and convolutions (LoRA, Hu et al. 2021, eq. 3):
 * `y = W x + up (down x)` with `up [out, r]` and `down [r, in]`, of which only `up` and `down` are trained. Biases and
 * normalizations stay.
 *
 * The base is shared, never copied: it can be used directly, and any number of these may stand on it. Clones have
 * adapters of their own on the same base. The base always stays in evaluation mode, so that nothing is dropped.
 * Adapters are float32, also on a base in bf16.
 *
 * Parameters and `stateDict` are those of the adapters.
 */
export class LowRankDenoiser extends DenoiserModule implements FeatureDenoiser {
  readonly rank: number;
  readonly layers: AdaptedLayers;
  /** by the key of the layer in the base's state */
  readonly adapters: Readonly<Record<string, LowRankAdapter>>;
  private readonly byLayer: ReadonlyMap<Module, LowRankAdapter["add"]>;

  /**
   * @param base frozen here, and in evaluation mode
   * @throws DisbackError if the rank is not a whole number from 1, or if the denoiser has no layers to adapt
   */
  constructor(
    readonly base: DenoiserModule,
    { rank = 4, layers = "all", generator }: LowRankOptions,
  ) {
    super();
    requireRank(rank);
    if (base instanceof LowRankDenoiser)
      throw new DisbackError("adapters: this denoiser has adapters already; merge them first");
    this.rank = rank;
    this.layers = layers;
    base.requiresGrad_(false).eval();
    const adapted = requireAdaptable(base, layers).map(
      ([key, layer]) => [key, layer, new LowRankAdapter(layer.weight, rank, generator)] as const,
    );
    this.adapters = Object.fromEntries(adapted.map(([key, , adapter]) => [key, adapter]));
    this.byLayer = new Map(adapted.map(([, layer, adapter]) => [layer, adapter.add]));
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

  roundSigma(sigma: number): number {
    return (this.base as Partial<FeatureDenoiser>).roundSigma?.(sigma) ?? sigma;
  }

  denoise(x: Tensor, sigma: Tensor, condition?: Condition): Tensor {
    return withAdapters(this.byLayer, () => this.base.denoise(x, sigma, condition));
  }

  /** @throws DisbackError if the base has no features */
  features(x: Tensor, sigma: Tensor, condition?: Condition): Tensor {
    const base = this.base as DenoiserModule & Partial<FeatureDenoiser>;
    if (!base.features) throw new DisbackError("adapters: this denoiser's network has no features");
    return withAdapters(this.byLayer, () => base.features!(x, sigma, condition));
  }

  /** @throws DisbackError as `features` */
  layerFeatures(x: Tensor, sigma: Tensor, condition?: Condition): Tensor[] {
    const base = this.base as DenoiserModule & Partial<FeatureDenoiser>;
    if (!base.layerFeatures) return [this.features(x, sigma, condition)];
    return withAdapters(this.byLayer, () => base.layerFeatures!(x, sigma, condition));
  }

  /** Whether its estimates are the base's, as at the start. */
  changesNothing(): boolean {
    const largest = ({ up }: LowRankAdapter) => up.detach().abs().max().item();
    return scope(() => Object.values(this.adapters).every((adapter) => largest(adapter) === 0));
  }

  /** Other adapters with the same values on the same base. */
  override clone(): this {
    const { base, rank, layers } = this;
    const copy = new LowRankDenoiser(base, { rank, layers, generator: new Generator(0) });
    copy.loadStateDict(this.stateDict());
    const [trained] = this.parameters();
    return copy.requiresGrad_(trained!.requiresGrad).train(this.training) as this;
  }

  /** A plain denoiser of the base's architecture with the same estimates. The caller owns it. */
  merged(): DenoiserModule {
    const plain = this.base.clone();
    this.addChanges(plain);
    return plain;
  }

  /** Adds the adapters to the base's weights, for a base that nothing else uses. They count twice until disposed of. */
  mergeIntoBase(): void {
    this.addChanges(this.base);
  }

  /**
   * Sets the adapters to another model's change of the base: exactly if it has adapters of at most this rank, else to
   * the best approximation at this rank.
   * @param model adapters on the same base, or a denoiser of the base's architecture
   * @throws DisbackError if it has another architecture
   */
  approximate(model: DenoiserModule): void {
    noGrad(() => {
      if (model instanceof LowRankDenoiser) return this.approximateAdapters(model);
      const wanted = new Map<string, AdaptableLayer>(this.layersOf(model));
      const own = this.layersOf(this.base);
      if (wanted.size !== own.length || own.some(([key]) => !wanted.has(key))) throw anotherArchitecture();
      for (const [key, { weight }] of own)
        scope(() => this.adapters[key]!.approximate(wanted.get(key)!.weight.float().sub(weight.float())));
    });
  }

  /** The layers of a model of the base's architecture that have an adapter, by their keys. */
  private layersOf(model: DenoiserModule): [string, AdaptableLayer][] {
    return adaptableLayers(model, this.layers);
  }

  private addChanges(model: DenoiserModule): void {
    noGrad(() => {
      for (const [key, { weight }] of this.layersOf(model))
        scope(() => weight.add_(this.adapters[key]!.change().to(weight.dtype)));
    });
  }

  private approximateAdapters(model: LowRankDenoiser): void {
    if (model.base !== this.base || model.layers !== this.layers) throw anotherArchitecture();
    if (model.rank === this.rank) this.loadStateDict(model.stateDict());
    else
      for (const [key, adapter] of Object.entries(this.adapters))
        adapter.approximateAdapter(model.adapters[key]!);
  }
}

/** Layers that can have an adapter, by their keys. Convolutions in groups cannot. */
export function adaptableLayers(base: Module, which: AdaptedLayers = "all"): [string, AdaptableLayer][] {
  const names = new Map(base.namedParameters().map(([name, tensor]) => [tensor, name]));
  const layers = base
    .modules()
    .filter(isAdaptable)
    .map((layer): [string, AdaptableLayer] => [names.get(layer.weight)!.replace(/\.?weight$/, ""), layer]);
  return which === "all" ? layers : layers.filter(([key]) => attention.test(key));
}

/** The same. @throws DisbackError if there are none */
export function requireAdaptable(base: Module, which: AdaptedLayers): [string, AdaptableLayer][] {
  const layers = adaptableLayers(base, which);
  if (layers.length > 0) return layers;
  throw new DisbackError(
    `adapters: this denoiser has no layers${which === "all" ? "" : ` of ${which}`} to adapt`,
  );
}

/** @throws DisbackError naming the rank that is none */
export function requireRank(rank: number): void {
  if (!Number.isInteger(rank) || rank < 1)
    throw new DisbackError(`adapters: "rank" must be a whole number from 1, not ${rank}`);
}

function isAdaptable(module: Module): module is AdaptableLayer {
  if (module instanceof Conv2d) return module.groups === 1;
  return [Dense, Convolution, Linear].some((kind) => module instanceof kind);
}

function anotherArchitecture(): DisbackError {
  return new DisbackError("adapters: a model of another architecture cannot be approximated");
}

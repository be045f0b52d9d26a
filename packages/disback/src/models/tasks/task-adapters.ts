import { cat, Generator, type LayerAdapter, type Module, type Tensor, withAdapters } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { LowRankAdapter } from "../adapters/low-rank-adapter.js";
import {
  type AdaptedLayers,
  type LowRankOptions,
  requireAdaptable,
  requireRank,
} from "../adapters/low-rank-denoiser.js";
import type { Condition } from "../condition.js";
import { DenoiserModule, type FeatureDenoiser } from "../denoiser.js";
import type { ModelFacts } from "../facts.js";
import type { PreconditionedDenoiser } from "../preconditioning/preconditioned.js";
import { requireTaskLabels } from "./task-labels.js";

/**
 * One frozen network for several tasks, with low-rank adapters of its own for each (LoRA, Hu et al. 2021, eq. 3). For a sample
 * of task t a layer gives
 *
 *     y = W x + up_t (down_t x).
 *
 * A batch of several tasks is one pass: a layer's adapters stand one behind the other, and of `down x` each sample keeps the
 * numbers of its task's.
 *
 * The base is shared, never copied, and always in evaluation mode. Parameters and `stateDict` are those of the adapters.
 */
export class TaskAdapters extends DenoiserModule implements FeatureDenoiser {
  /** of each task's adapters */
  readonly rank: number;
  readonly layers: AdaptedLayers;
  /** of all tasks, by the key of the layer in the base's state: `down [T r, in]`, `up [out, T r]` */
  readonly adapters: Readonly<Record<string, LowRankAdapter>>;
  private readonly byLayer: readonly (readonly [Module, LowRankAdapter])[];

  /**
   * @param base knows the classes of all tasks; frozen here, and in evaluation mode
   * @throws DisbackError if it knows no tasks, if the rank is not a whole number from 1, or if there are no layers to adapt
   */
  constructor(
    readonly base: PreconditionedDenoiser,
    { rank = 4, layers = "all", generator }: LowRankOptions,
  ) {
    super();
    requireRank(rank);
    const { tasks } = base.facts;
    if (!tasks) throw new DisbackError("adapters: this denoiser knows no tasks");
    this.rank = rank;
    this.layers = layers;
    base.requiresGrad_(false).eval();
    const count = Object.keys(tasks).length;
    const adapted = requireAdaptable(base, layers).map(
      ([key, layer]) => [key, layer, new LowRankAdapter(layer.weight, rank, generator, count)] as const,
    );
    this.adapters = Object.fromEntries(adapted.map(([key, , adapter]) => [key, adapter]));
    this.byLayer = adapted.map(([, layer, adapter]) => [layer, adapter]);
  }

  /** Only the adapters, because the base belongs to the caller. */
  override members(): [string, unknown][] {
    return Object.entries(this.adapters);
  }

  get facts(): ModelFacts {
    return this.base.facts;
  }

  get sigmaMin(): number {
    return this.base.sigmaMin;
  }

  get sigmaMax(): number {
    return this.base.sigmaMax;
  }

  roundSigma(sigma: number): number {
    return this.base.roundSigma(sigma);
  }

  /**
   * @param condition its `class` is one-hot over the classes of all tasks, `[N, K]` or `[1, K]`
   * @throws DisbackError without a class
   */
  denoise(x: Tensor, sigma: Tensor, condition?: Condition): Tensor {
    return this.asked(x, sigma, condition, (level, told) => this.base.denoise(x, level, told));
  }

  features(x: Tensor, sigma: Tensor, condition?: Condition): Tensor {
    return this.asked(x, sigma, condition, (level, told) => this.base.features(x, level, told));
  }

  /** Other adapters with the same values on the same base. */
  override clone(): this {
    const { base, rank, layers } = this;
    const copy = new TaskAdapters(base, { rank, layers, generator: new Generator(0) });
    copy.loadStateDict(this.stateDict());
    const [trained] = this.parameters();
    return copy.requiresGrad_(trained!.requiresGrad).train(this.training) as this;
  }

  /** Runs the base with each sample's adapters. A row for each sample, or layers before the first sum would see one for all. */
  private asked(
    x: Tensor,
    sigma: Tensor,
    condition: Condition | undefined,
    ask: (sigma: Tensor, condition: Condition) => Tensor,
  ): Tensor {
    const count = x.shape[0]!;
    const labels = requireTaskLabels(condition, this.facts).expand([count, -1]);
    const shares = labels.split(Object.values(this.facts.tasks!), 1);
    const owners = cat(
      shares.map((share) => share.sum([1], true)),
      1,
    );
    const masks = new Map<number, Tensor>();
    const maskOf = ({ rank }: LowRankAdapter): Tensor => {
      const known = masks.get(rank);
      if (known) return known;
      const each = rank / shares.length;
      const mask = owners.unsqueeze(2).expand([-1, -1, each]).reshape([count, rank]);
      masks.set(rank, mask);
      return mask;
    };
    const adapters = new Map(
      this.byLayer.map(([layer, adapter]): [Module, LayerAdapter] => {
        const mask = maskOf(adapter);
        return [layer, (apply) => adapter.added(apply, mask)];
      }),
    );
    return withAdapters(adapters, () => ask(sigma.expand([count]), { class: labels }));
  }
}

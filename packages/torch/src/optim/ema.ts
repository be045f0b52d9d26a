import { noGrad } from "../autograd.js";
import type { NativeFunction } from "../binding.js";
import { handles, resolve } from "../door.js";
import { TorchError } from "../errors.js";
import type { Module } from "../nn/module.js";
import { ops } from "../ops.js";
import { scope } from "../scope.js";
import { type State, stateNumber } from "../state.js";
import type { Tensor } from "../tensor.js";
import { TensorHandles } from "../tensor-handles.js";
import { constantDecay, type Decay, gammaFromWidth, halfLifeDecay, powerDecay } from "./ema-decay.js";

/** How fast the average forgets: exactly one of `decay`, `halfLife`, `gamma`, `width`. */
export interface EMAOptions {
  /** constant factor in [0, 1) */
  decay?: number;
  /** images after which the past's weight has halved (EDM) */
  halfLife?: number;
  /** with `halfLife`: at most this fraction of the images so far (EDM: 0.05) */
  rampUp?: number;
  /** exponent of the power-function average (EDM2), > 0 */
  gamma?: number;
  /** width of the power-function average relative to the training's length (EDM2), for example 0.1 */
  width?: number;
}

let lerp: NativeFunction | undefined;

/**
 * Running average of a module's weights. Averages of half-precision weights are float32, because increments would round
 * to 0. Buffers are copied, not averaged.
 */
export class EMA<T extends Module> {
  /** The average: a separate module in evaluation mode without gradients. */
  readonly module: T;
  private images = 0;
  private readonly decay: Decay;
  private readonly averages: TensorHandles;
  private readonly weights: Tensor[];
  private readonly weightHandles: TensorHandles;
  private readonly averageBuffers: TensorHandles;
  private readonly buffers: TensorHandles;
  private readonly sameDType: boolean;

  /** @throws TorchError unless exactly one rule is given, within its range */
  constructor(source: T, options: EMAOptions) {
    this.decay = chooseDecay(options);
    this.module = source.clone().eval().requiresGrad_(false);
    this.weights = source.parameters();
    this.weightHandles = new TensorHandles(this.weights);
    this.buffers = tensorsOf(source.namedBuffers());
    this.sameDType = this.weights.every(({ dtype }) => dtype === "float32" || dtype === "float64");
    if (!this.sameDType) this.module.to({ dtype: "float32" });
    this.averages = new TensorHandles(this.module.parameters());
    this.averageBuffers = tensorsOf(this.module.namedBuffers());
  }

  /**
   * Moves the average towards the weights. Call it once after each optimizer step.
   * @param progress.batchSize images in this step (default 1: half-lives then count steps)
   * @param progress.images images since the start, this step's included; counted here if absent
   */
  update(progress: { batchSize?: number; images?: number } = {}): void {
    const batchSize = progress.batchSize ?? 1;
    this.images = progress.images ?? this.images + batchSize;
    const beta = this.decay({ batchSize, images: this.images });
    noGrad(() =>
      scope(() => {
        const weights = this.sameDType
          ? this.weightHandles.current()
          : this.weights.map((weight) => weight.float());
        lerp ??= resolve("disback::lerp_", "");
        if (this.averages.length > 0) lerp(this.averages.current(), handles(weights), 1 - beta);
        if (this.buffers.length > 0)
          ops._foreach_copy_(this.averageBuffers.current(), this.buffers.current());
      }),
    );
  }

  /** The average's weights and the number of images. */
  state(): State {
    return { tensors: this.module.stateDict(), values: { images: this.images } };
  }

  /** @throws CheckpointError if the state belongs to another module */
  loadState(state: State): void {
    this.module.loadStateDict(state.tensors);
    this.images = stateNumber(state, "images");
  }

  /** Releases the average now. */
  dispose(): void {
    this.module.dispose();
  }
}

function chooseDecay({ decay, halfLife, rampUp, gamma, width }: EMAOptions): Decay {
  const given = [decay, halfLife, gamma, width].filter((rule) => rule !== undefined);
  if (given.length !== 1) throw new TorchError("EMA: give exactly one of decay, halfLife, gamma, width");
  if (rampUp !== undefined && halfLife === undefined) throw new TorchError("EMA: rampUp belongs to halfLife");
  if (decay !== undefined) return inRange("decay", decay, decay >= 0 && decay < 1, constantDecay(decay));
  if (halfLife !== undefined)
    return inRange("halfLife", halfLife, halfLife > 0, halfLifeDecay(halfLife, rampUp));
  if (gamma !== undefined) return inRange("gamma", gamma, gamma > 0, powerDecay(gamma));
  return powerDecay(gammaFromWidth(width!));
}

function inRange(option: string, value: number, valid: boolean, decay: Decay): Decay {
  if (!valid) throw new TorchError(`EMA: ${option} is out of range: ${value}`);
  return decay;
}

function tensorsOf(named: [string, Tensor][]): TensorHandles {
  return new TensorHandles(named.map(([, tensor]) => tensor));
}

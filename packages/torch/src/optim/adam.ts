import { noGrad } from "../autograd.js";
import { type NativeFunction, native } from "../binding.js";
import { full, zeros, zerosLike } from "../creation.js";
import { resolve } from "../door.js";
import type { Device } from "../dtype.js";
import { TorchError } from "../errors.js";
import { loadTensors } from "../nn/state-dict.js";
import { ops } from "../ops.js";
import { keep } from "../scope.js";
import { type State, stateNumber } from "../state.js";
import type { Tensor } from "../tensor.js";
import { TensorHandles } from "../tensor-handles.js";
import { borrowGradients } from "./gradients.js";
import type { Optimizer } from "./optimizer.js";

export interface AdamOptions {
  /** learning rate, default 1e-3 */
  lr?: number;
  /** decay of the first and second moment, each in [0, 1); default [0.9, 0.999] */
  betas?: [number, number];
  /** added to the root of the second moment, default 1e-8 */
  eps?: number;
  /** default 0 for Adam (added to the gradient), 0.01 for AdamW (shrinks the weight) */
  weightDecay?: number;
}

/** The state of a parameter, by PyTorch's names. */
export type MomentKind = "exp_avg" | "exp_avg_sq" | "step";

/** The state that Adam needs. With beta1 = 0 the first moment is the gradient, unless weight decay is added to it. */
export function momentKinds({ betas, weightDecay = 0 }: AdamOptions): readonly MomentKind[] {
  const first = betas?.[0] === 0 && weightDecay === 0 ? [] : (["exp_avg"] as const);
  return [...first, "exp_avg_sq", "step"];
}

/** Drops the first moments of a saved state if they are not needed here. */
export function neededMoments(state: State, kinds: readonly MomentKind[]): Map<string, Tensor> {
  const first = kinds.includes("exp_avg");
  return new Map([...state.tensors].filter(([key]) => first || !key.endsWith(".exp_avg")));
}

/** One parameter and its state; `count` is its number of updates, float32 []. */
interface Slot {
  parameter: Tensor;
  /** absent if it would equal the last gradient */
  first?: Tensor;
  second: Tensor;
  count: Tensor;
}

/** The slots in the operator's form: one list per kind. */
interface Lists {
  slots: Slot[];
  parameters: TensorHandles;
  firsts: TensorHandles | undefined;
  seconds: TensorHandles;
  counts: TensorHandles;
}

let increment: NativeFunction | undefined;

/**
 * Adam (Kingma and Ba 2014, algorithm 1) by libtorch's fused operator: one call per device and dtype. Parameters
 * without a gradient do not change. Moments are made at the first step, in the parameters' own layout. With beta1 = 0
 * the first moment is the gradient and is not stored, which saves as much memory as the parameters take.
 */
export class Adam implements Optimizer {
  private learningRate: number;
  /** the learning rate as tensors, one for each device, which a captured step reads */
  private readonly rates = new Map<Device, Tensor>();
  private readonly betas: [number, number];
  private readonly eps: number;
  private readonly weightDecay: number;
  private readonly kinds: readonly MomentKind[];
  private readonly handles: TensorHandles;
  private slots: Slot[] = [];
  private lists: Lists[] | undefined;
  protected readonly operator: typeof ops._fused_adam_ = ops._fused_adam_;

  /** @throws TorchError if there are no parameters or an option is out of range */
  constructor(
    readonly parameters: Tensor[],
    options: AdamOptions = {},
  ) {
    this.learningRate = options.lr ?? 1e-3;
    this.betas = options.betas ?? [0.9, 0.999];
    this.eps = options.eps ?? 1e-8;
    this.weightDecay = options.weightDecay ?? 0;
    this.kinds = momentKinds(options);
    this.handles = new TensorHandles(parameters);
    if (parameters.length === 0) throw new TorchError(`${this.constructor.name}: no parameters`);
    this.require("lr", this.lr, this.lr >= 0);
    const [beta1, beta2] = this.betas;
    this.require("betas", this.betas, beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1);
    this.require("eps", this.eps, this.eps >= 0);
    this.require("weightDecay", this.weightDecay, this.weightDecay >= 0);
  }

  /** Learning rate of the next step. A captured step may not change it. */
  get lr(): number {
    return this.learningRate;
  }

  set lr(value: number) {
    if (value === this.learningRate) return;
    this.learningRate = value;
    noGrad(() => {
      for (const rate of this.rates.values()) rate.fill_(value);
    });
  }

  /** Updates the parameters from their gradients. */
  step(): void {
    noGrad(() => {
      for (const lists of this.prepare()) {
        borrowGradients(lists.parameters.current(), (gradients) => this.update(lists, gradients));
      }
    });
  }

  /** Clears the gradients. */
  zeroGrad(): void {
    native.zeroGrads(this.handles.current());
  }

  /** Moments and counts by the parameter's position, and the learning rate. */
  state(): State {
    return { tensors: this.stateTensors(), values: { lr: this.lr } };
  }

  /** @throws CheckpointError if the state belongs to other parameters */
  loadState(state: State): void {
    loadTensors(this.stateTensors(), neededMoments(state, this.kinds));
    this.lr = stateNumber(state, "lr");
  }

  /** Releases moments and counts now. */
  dispose(): void {
    for (const { first, second, count } of this.slots) {
      for (const tensor of [first, second, count]) tensor?.dispose();
    }
    for (const rate of this.rates.values()) rate.dispose();
    this.rates.clear();
    this.slots = [];
    this.lists = undefined;
  }

  /** @param gradients handles, one for each slot, 0 where there is none */
  private update(lists: Lists, gradients: Uint32Array): void {
    if (gradients.includes(0)) {
      const active = lists.slots.filter((_, index) => gradients[index] !== 0);
      if (active.length > 0)
        this.update(
          toLists(active),
          gradients.filter((handle) => handle !== 0),
        );
      return;
    }
    const [beta1, beta2] = this.betas;
    const counts = lists.counts.current();
    increment ??= resolve("disback::increment_", "");
    increment(counts);
    this.operator(
      lists.parameters.current(),
      gradients,
      lists.firsts?.current() ?? gradients,
      lists.seconds.current(),
      [], // maxima, of AMSGrad only
      counts,
      this.rateOn(lists.slots[0]!.parameter.device),
      beta1,
      beta2,
      this.weightDecay,
      this.eps,
      false, // amsgrad
      false, // maximize
    );
  }

  /** On the CPU in the precision of JavaScript's numbers, which the operator computes in; GPUs take float32. */
  private rateOn(device: Device): Tensor {
    const known = this.rates.get(device);
    if (known) return known;
    const dtype = device === "cpu" ? "float64" : "float32";
    const rate = keep(full([], this.learningRate, { device, dtype }));
    this.rates.set(device, rate);
    return rate;
  }

  /** Makes the moments when they are first needed, when the parameters have reached their final device and layout. */
  private prepare(): Lists[] {
    if (this.lists) return this.lists;
    const groups = new Map<string, Slot[]>();
    const keepsFirst = this.kinds.includes("exp_avg");
    this.slots = this.parameters.map((parameter) => {
      const { device, dtype } = parameter;
      const moment = () => keep(zerosLike(parameter));
      const first = keepsFirst ? { first: moment() } : {};
      const slot = { parameter, ...first, second: moment(), count: keep(zeros([], { device })) };
      const kind = `${device} ${dtype}`;
      groups.set(kind, [...(groups.get(kind) ?? []), slot]);
      return slot;
    });
    this.lists = [...groups.values()].map(toLists);
    return this.lists;
  }

  private stateTensors(): Map<string, Tensor> {
    noGrad(() => this.prepare());
    const tensors = new Map<string, Tensor>();
    this.slots.forEach(({ first, second, count }, index) => {
      if (first) tensors.set(`${index}.exp_avg`, first);
      tensors.set(`${index}.exp_avg_sq`, second);
      tensors.set(`${index}.step`, count);
    });
    return tensors;
  }

  private require(option: string, value: unknown, valid: boolean): void {
    if (!valid) throw new TorchError(`${this.constructor.name}: ${option} is out of range: ${value}`);
  }
}

/** AdamW (Loshchilov and Hutter 2017, algorithm 2): weight decay is decoupled from the gradient. */
export class AdamW extends Adam {
  protected override readonly operator: typeof ops._fused_adam_ = ops._fused_adamw_;

  constructor(parameters: Tensor[], options: AdamOptions = {}) {
    super(parameters, { ...options, weightDecay: options.weightDecay ?? 0.01 });
  }
}

function toLists(slots: Slot[]): Lists {
  const list = (kind: Exclude<keyof Slot, "first">) => new TensorHandles(slots.map((slot) => slot[kind]));
  const firsts = slots.flatMap(({ first }) => first ?? []);
  return {
    slots,
    parameters: list("parameter"),
    firsts: firsts.length > 0 ? new TensorHandles(firsts) : undefined,
    seconds: list("second"),
    counts: list("count"),
  };
}

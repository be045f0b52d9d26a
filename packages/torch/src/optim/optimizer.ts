import { noGrad } from "../autograd.js";
import { native } from "../binding.js";
import { CheckpointError, TorchError } from "../errors.js";
import { keep, scope } from "../scope.js";
import { type State, stateNumber } from "../state.js";
import type { Tensor } from "../tensor.js";
import { TensorHandles } from "../tensor-handles.js";
import { gradientsOf } from "./gradients.js";

/** The interface of every optimizer. */
export interface Optimizer {
  /** learning rate of the next step */
  lr: number;
  readonly parameters: Tensor[];
  /** Updates the parameters from their gradients. */
  step(): void;
  /** Clears the gradients. */
  zeroGrad(): void;
  /** Everything needed to resume exactly. */
  state(): State;
  /** @throws CheckpointError if the state belongs to other parameters */
  loadState(state: State): void;
  /** Releases the state. */
  dispose(): void;
}

/** A parameter with a gradient, and its state. */
export interface Active {
  parameter: Tensor;
  gradient: Tensor;
  /** by PyTorch's names; empty before the parameter's first step */
  memory: Map<string, Tensor>;
}

/** An optimizer with some state tensors per parameter, which updates one parameter after another. */
export abstract class PlainOptimizer implements Optimizer {
  lr: number;
  private readonly handles: TensorHandles;
  private readonly memories: Map<string, Tensor>[];

  /** @throws TorchError if there are no parameters or the rate is negative */
  constructor(
    readonly parameters: Tensor[],
    lr: number,
  ) {
    if (parameters.length === 0) throw new TorchError(`${this.constructor.name}: no parameters`);
    this.require("lr", lr, lr >= 0);
    this.lr = lr;
    this.handles = new TensorHandles(parameters);
    this.memories = parameters.map(() => new Map());
  }

  step(): void {
    noGrad(() =>
      scope(() => {
        for (const [index, gradient] of gradientsOf(this.parameters).entries()) {
          const [parameter, memory] = [this.parameters[index]!, this.memories[index]!];
          if (gradient) scope(() => this.update({ parameter, gradient, memory }));
        }
      }),
    );
  }

  zeroGrad(): void {
    native.zeroGrads(this.handles.current());
  }

  state(): State {
    const tensors = new Map<string, Tensor>();
    for (const [index, memory] of this.memories.entries())
      for (const [name, tensor] of memory) tensors.set(`${index}.${name}`, tensor);
    return { tensors, values: { lr: this.lr } };
  }

  loadState(state: State): void {
    const lr = stateNumber(state, "lr");
    const copies = [...state.tensors].map(([key, tensor]) => ({ ...this.placeOf(key, tensor), tensor }));
    this.dispose();
    for (const { memory, name, parameter, tensor } of copies) {
      const own = noGrad(() => tensor.to({ device: parameter.device }).clone());
      memory.set(name, keep(own));
    }
    this.lr = lr;
  }

  dispose(): void {
    for (const memory of this.memories) {
      for (const tensor of memory.values()) tensor.dispose();
      memory.clear();
    }
  }

  /** Updates one parameter and its state, in place. */
  protected abstract update(active: Active): void;

  /** The names of the state tensors. */
  protected abstract readonly names: readonly string[];

  /** A state tensor by name; made by `create` if missing. */
  protected remembered({ memory }: Active, name: string, create: () => Tensor): Tensor {
    const known = memory.get(name);
    if (known) return known;
    const tensor = keep(create());
    memory.set(name, tensor);
    return tensor;
  }

  protected require(option: string, value: unknown, valid: boolean): void {
    if (!valid) throw new TorchError(`${this.constructor.name}: ${option} is out of range: ${value}`);
  }

  private placeOf(key: string, tensor: Tensor) {
    const [, number, name] = /^(\d+)\.(\w+)$/.exec(key) ?? [];
    const parameter = this.parameters[Number(number)];
    if (!parameter || !name || !this.names.includes(name))
      throw new CheckpointError(`${this.constructor.name}: the state's "${key}" belongs to no parameter`);
    if (tensor.shape.join() !== parameter.shape.join())
      throw new CheckpointError(
        `${this.constructor.name}: the state's "${key}" has shape [${tensor.shape.join(", ")}] instead of [${parameter.shape.join(", ")}]`,
      );
    return { parameter, name, memory: this.memories[Number(number)]! };
  }
}

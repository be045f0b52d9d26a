import { noGrad } from "../autograd.js";
import { native } from "../binding.js";
import type { Device, DType } from "../dtype.js";
import { TorchError } from "../errors.js";
import { ops } from "../ops.js";
import { keep, scope } from "../scope.js";
import { Tensor } from "../tensor.js";
import { describeModule } from "./describe.js";
import { buffer, parameter, type Role, roleOf } from "./parameter.js";
import { type LoadOptions, loadTensors } from "./state-dict.js";

/**
 * Target of a module's tensors. `dtype` applies to floating-point tensors, `memoryFormat` to those with four
 * dimensions.
 */
export interface MoveOptions {
  dtype?: DType;
  device?: Device;
  memoryFormat?: "contiguous" | "channels_last";
}

/**
 * A network or a part of one, named as in PyTorch.
 *
 * Parameters, buffers and submodules are found in the module's own enumerable properties: tensors made by `parameter`
 * or `buffer`, modules, and arrays or plain objects of these. A key is the path of property names ("layers.0.weight").
 * Subclasses use TypeScript's `private`, not `#names`: `clone` copies properties.
 */
export abstract class Module {
  /** True in training mode, which dropout uses. Set by `train` and `eval`. */
  training = true;

  /** The named contents of this module. Containers override it to omit their own property's name from the keys. */
  members(): [string, unknown][] {
    return Object.entries(this);
  }

  /** Parameters with their keys; shared ones appear once. */
  namedParameters(): [string, Tensor][] {
    return unique(this.tensors().filter(([, , role]) => role === "parameter"));
  }

  /** Parameters, each once. */
  parameters(): Tensor[] {
    return this.namedParameters().map(([, tensor]) => tensor);
  }

  /** Buffers with their keys, including those that `stateDict` omits. */
  namedBuffers(): [string, Tensor][] {
    return unique(this.tensors().filter(([, , role]) => role !== "parameter"));
  }

  /** This module and all below it, each once. */
  modules(): Module[] {
    const found = new Set<Module>();
    visit(this, "", [], undefined, (module) => found.add(module));
    return [...found];
  }

  /** Sets training mode here and below. */
  train(on = true): this {
    for (const module of this.modules()) module.training = on;
    return this;
  }

  /** Sets evaluation mode here and below: no dropout. */
  eval(): this {
    return this.train(false);
  }

  /** Sets whether all parameters require gradients. */
  requiresGrad_(flag = true): this {
    for (const tensor of this.parameters()) tensor.requiresGrad_(flag);
    return this;
  }

  /** Clears all gradients. */
  zeroGrad(): void {
    native.zeroGrads(this.parameters().map((tensor) => tensor.handle));
  }

  /**
   * Moves and converts parameters and buffers in place: handles stay valid, gradients are cleared. Create optimizers
   * afterwards, because their state keeps its layout.
   */
  to(options: MoveOptions): this {
    noGrad(() => {
      for (const [, tensor] of unique(this.tensors())) scope(() => move(tensor, options));
    });
    return this;
  }

  /** The parameters and persistent buffers by key: the live tensors, not copies. */
  stateDict(): Map<string, Tensor> {
    const state = new Map<string, Tensor>();
    for (const [name, tensor, role] of this.tensors()) {
      if (role !== "transient buffer") state.set(name, tensor);
    }
    return state;
  }

  /**
   * Copies tensors into this module by key. Everything is checked before anything is written.
   * @throws CheckpointError naming missing and unexpected keys, or a tensor of another shape or dtype
   */
  loadStateDict(state: ReadonlyMap<string, Tensor>, options: LoadOptions = {}): void {
    loadTensors(this.stateDict(), state, options);
  }

  /** A copy with its own weights. Sharing inside the module is kept; gradients are not copied. */
  clone(): this {
    return noGrad(() => scope(() => copy(this, new Map()) as this));
  }

  /** Releases parameters, buffers and gradients now. The module is unusable afterwards. */
  dispose(): void {
    for (const [, tensor] of unique(this.tensors())) {
      tensor.grad = undefined;
      tensor.dispose();
    }
  }

  /** The structure: settings, shapes of tensors, submodules. */
  toString(): string {
    return describeModule(this);
  }
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  private tensors(): [string, Tensor, Role][] {
    const found: [string, Tensor, Role][] = [];
    visit(this, "", [], (name, tensor, role) => found.push([name, tensor, role]));
    return found;
  }
}

/** Walks in PyTorch's order: a module's own tensors before those of its submodules. */
function visit(
  value: unknown,
  prefix: string,
  ancestors: unknown[],
  onTensor?: (name: string, tensor: Tensor, role: Role) => void,
  onModule?: (module: Module) => void,
): void {
  if (!isContainer(value)) return;
  if (ancestors.includes(value)) throw new TorchError(`module: "${prefix}" contains itself`);
  const path = [...ancestors, value];
  if (value instanceof Module) onModule?.(value);
  const members = value instanceof Module ? value.members() : Object.entries(value);
  const start = prefix === "" ? "" : `${prefix}.`;
  for (const [name, member] of members) {
    const role = member instanceof Tensor ? roleOf(member) : undefined;
    if (role) onTensor?.(start + name, member as Tensor, role);
  }
  for (const [name, member] of members) visit(member, start + name, path, onTensor, onModule);
}

function isContainer(value: unknown): value is object {
  if (typeof value !== "object" || value === null) return false;
  return value instanceof Module || Array.isArray(value) || isPlainObject(value);
}

function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function unique(named: [string, Tensor, ...unknown[]][]): [string, Tensor][] {
  const seen = new Set<Tensor>();
  const result: [string, Tensor][] = [];
  for (const [name, tensor] of named) {
    if (seen.has(tensor)) continue;
    seen.add(tensor);
    result.push([name, tensor]);
  }
  return result;
}

function move(tensor: Tensor, { dtype, device, memoryFormat }: MoveOptions): void {
  const floating = tensor.dtype.startsWith("float") || tensor.dtype.startsWith("bfloat");
  let moved = tensor.detach().to({
    dtype: floating ? (dtype ?? tensor.dtype) : tensor.dtype,
    device: device ?? tensor.device,
  });
  if (memoryFormat === "channels_last" && tensor.ndim === 4) moved = moved.contiguous("channels_last");
  if (memoryFormat === "contiguous") moved = moved.contiguous();
  tensor.grad = undefined;
  ops.set_data(tensor, moved);
}

function copy(value: unknown, copies: Map<unknown, unknown>): unknown {
  if (copies.has(value)) return copies.get(value);
  if (value instanceof Tensor) {
    const tensor = copyTensor(value);
    copies.set(value, tensor);
    return tensor;
  }
  if (!isContainer(value)) return value;
  const target = Array.isArray(value) ? [] : Object.create(Object.getPrototypeOf(value));
  copies.set(value, target);
  for (const [name, member] of Object.entries(value)) target[name] = copy(member, copies);
  return target;
}

function copyTensor(value: Tensor): Tensor {
  const role = roleOf(value);
  const duplicate = value.detach().clone();
  if (role === "parameter") return parameter(duplicate).requiresGrad_(value.requiresGrad);
  return role ? buffer(duplicate, { persistent: role === "buffer" }) : keep(duplicate);
}

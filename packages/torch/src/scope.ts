import { native } from "./binding.js";
import { TorchError } from "./errors.js";
import { reclaim } from "./reclaim.js";
import type { Tensor } from "./tensor.js";

let current: Scope | undefined;

/** The handles that an ending scope releases. The array is reused, so that frequent small scopes allocate nothing. */
let released = new Uint32Array(1024);

/** Adds a new tensor to the current scope, or ties it to the garbage collector if there is none. */
export function adopt(tensor: Tensor): Tensor {
  if (current) current.created.push(tensor);
  else guard(tensor);
  return tensor;
}

/** The tensor is released when its object is collected. */
function guard(tensor: Tensor): void {
  if (tensor.kept) return;
  const due = native.watch(tensor.handle, tensor);
  tensor.kept = true;
  if (due) reclaim();
}

/** Removes a tensor from its scope. It lives until it is disposed or its object is collected. */
export function keep<T extends Tensor>(tensor: T): T {
  guard(tensor);
  return tensor;
}

/**
 * Tensors created between a scope's construction and its end are released at the end, unless kept.
 *
 * ```ts
 * using s = new Scope();
 * ```
 */
export class Scope {
  /** @internal */ readonly created: Tensor[] = [];
  readonly #outer = current;
  #open = true;

  constructor() {
    current = this;
  }

  /** Moves tensors to the enclosing scope (or the garbage collector) instead of releasing them here. */
  escape<T>(value: T): T {
    visitTensors(value, (tensor) => {
      this.#escaped ??= new Set();
      this.#escaped.add(tensor);
    });
    return value;
  }
  #escaped: Set<Tensor> | undefined;

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    if (current !== this) throw new TorchError("scopes must end in the reverse order of their start");
    current = this.#outer;
    if (released.length < this.created.length) released = new Uint32Array(2 * this.created.length);
    let count = 0;
    let passedOn: Tensor[] | undefined;
    for (const tensor of this.created) {
      if (tensor.handle === 0 || tensor.kept) continue;
      if (this.#escaped?.has(tensor)) {
        passedOn ??= [];
        passedOn.push(tensor);
      } else {
        released[count++] = tensor.handle;
        tensor.handle = 0;
      }
    }
    if (count > 0) native.releaseMany(released, count);
    // Afterwards, because a view among them may now be the only owner of its memory.
    passedOn?.forEach(adopt);
  }

  dispose(): void {
    this[Symbol.dispose]();
  }
}

/**
 * Runs `body`; every tensor it created is released afterwards, except those in its result (a tensor, or an array,
 * map or plain object of them) and those given to `keep`.
 *
 * @throws TorchError if `body` is asynchronous: other code would run inside the scope
 */
export function scope<T>(body: () => T): T {
  const inner = new Scope();
  try {
    const result = body();
    if (result instanceof Promise) throw new TorchError("scope() takes a function that is not asynchronous");
    return inner.escape(result);
  } finally {
    inner.dispose();
  }
}

function visitTensors(value: unknown, visit: (tensor: Tensor) => void): void {
  if (typeof value !== "object" || value === null) return;
  if ("handle" in value && "kept" in value) visit(value as Tensor);
  else if (Array.isArray(value)) for (const element of value) visitTensors(element, visit);
  else if (value instanceof Map) for (const element of value.values()) visitTensors(element, visit);
  else if (Object.getPrototypeOf(value) === Object.prototype)
    for (const element of Object.values(value)) visitTensors(element, visit);
}

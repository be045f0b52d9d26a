import { autocast, currentAutocast } from "./autocast.js";
import { native } from "./binding.js";
import { call } from "./call.js";
import { wrap } from "./door.js";
import { TorchError } from "./errors.js";
import { activeAdapters, withAdapters } from "./nn/adapters.js";
import { defaultGenerator } from "./random.js";
import { keep, scope } from "./scope.js";
import type { Tensor } from "./tensor.js";

function refusePromise<T>(result: T, name: string): T {
  if (result instanceof Promise) throw new TorchError(`${name}() takes a function that is not asynchronous`);
  return result;
}

function withGradMode<T>(enabled: boolean, name: string, body: () => T): T {
  const previous = native.setGradMode(enabled);
  try {
    return refusePromise(body(), name);
  } finally {
    native.setGradMode(previous);
  }
}

/** Runs `body` without recording a graph. */
export function noGrad<T>(body: () => T): T {
  return withGradMode(false, "noGrad", body);
}

/** Runs `body` with a graph being recorded, also inside `noGrad`. */
export function enableGrad<T>(body: () => T): T {
  return withGradMode(true, "enableGrad", body);
}

/** Runs `body` without graph, version counters and view tracking: fastest, but its tensors can never enter a graph. */
export function inferenceMode<T>(body: () => T): T {
  native.enterInference();
  try {
    return refusePromise(body(), "inferenceMode");
  } finally {
    native.leaveInference();
  }
}

export interface BackwardOptions {
  /** Keep the graph for another backward pass. Default: `createGraph`. */
  retainGraph?: boolean;
  /** Record the backward pass itself, for gradients of gradients. Default: false. */
  createGraph?: boolean;
}

/**
 * Adds d(sum of tensors · gradients)/d(leaf) to every leaf's `grad`. Injecting a gradient at an inner tensor is
 * `backward([x0], [g])`.
 *
 * @param gradients one for each tensor, of its shape; omitted for scalars
 */
export function backward(
  tensors: readonly Tensor[],
  gradients?: readonly (Tensor | null)[],
  options: BackwardOptions = {},
): void {
  const createGraph = options.createGraph ?? false;
  native.backward(
    tensors.map((tensor) => tensor.handle),
    gradients ? gradients.map((gradient) => gradient?.handle ?? null) : null,
    options.retainGraph ?? createGraph,
    createGraph,
  );
}

export interface GradientOptions extends BackwardOptions {
  /** One for each output; omitted for scalars. */
  gradOutputs?: readonly (Tensor | null)[];
  /** Return undefined for inputs that the outputs do not depend on, instead of an error. Default: false. */
  allowUnused?: boolean;
}

/** d(outputs)/d(inputs), without touching any leaf's `grad`. */
export function gradient(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  options: GradientOptions = {},
): (Tensor | undefined)[] {
  const createGraph = options.createGraph ?? false;
  const before = withoutLeaves;
  withoutLeaves = true;
  try {
    return native
      .gradient(
        outputs.map((tensor) => tensor.handle),
        inputs.map((tensor) => tensor.handle),
        options.gradOutputs ? options.gradOutputs.map((gradient) => gradient?.handle ?? null) : null,
        options.retainGraph ?? createGraph,
        createGraph,
        options.allowUnused ?? false,
      )
      .map((handle) => (handle === null ? undefined : wrap(handle)));
  } finally {
    withoutLeaves = before;
  }
}

let forwardMode = false;

/** Whether `jvp` runs now. */
export function insideJvp(): boolean {
  return forwardMode;
}

/** What `jvp` returns. */
export interface Jvp {
  /** f(inputs) */
  value: Tensor;
  /** its derivative in the direction of the tangents, of the same shape */
  tangent: Tensor;
}

/**
 * Forward-mode differentiation by libtorch's dual numbers: f and its derivative in one direction in one pass, exact up to
 * rounding, without a graph. Attention runs unfused inside, because fused attention has no forward derivative.
 *
 * @param body takes the inputs, gives one tensor; must not call `jvp` itself
 * @param inputs floating-point tensors
 * @param tangents the direction, one tensor of the same shape for each input
 * @throws OperatorError if an operator inside has no forward derivative
 * @throws TorchError if the result does not depend on the inputs
 */
export function jvp(
  body: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
  tangents: readonly Tensor[],
): Jvp {
  if (inputs.length !== tangents.length)
    throw new TorchError(`jvp() takes one tangent for each input: ${tangents.length} for ${inputs.length}`);
  const level = native.enterDual();
  forwardMode = true;
  try {
    return noGrad(() => {
      const duals = inputs.map(
        (input, i) => call("aten::_make_dual", "", input, tangents[i], level) as Tensor,
      );
      const result = refusePromise(body(...duals), "jvp");
      const [value, tangent] = call("aten::_unpack_dual", "", result, level) as [Tensor, Tensor | null];
      if (!tangent) throw new TorchError("jvp(): the result does not depend on the inputs");
      return { value, tangent };
    });
  } finally {
    forwardMode = false;
    native.leaveDual(level);
  }
}

/** Whether a backward pass does not change any leaf's `grad`; then checkpointed blocks must not either. */
let withoutLeaves = false;

/**
 * Gradient checkpointing (Chen et al. 2016): runs a block without keeping its activations, and runs it again during the
 * backward pass, with the same dropout, adapters and precision. Costs one more forward pass of the block, saves its
 * memory. Only one backward pass is possible, and `gradient` cannot return gradients of tensors inside. Without a
 * graph, it just runs the block.
 *
 * @param block takes the inputs, gives one tensor; may use parameters from outside
 */
export function checkpoint(block: (...inputs: Tensor[]) => Tensor, ...inputs: Tensor[]): Tensor {
  if (!native.gradMode()) return block(...inputs);
  const generator = defaultGenerator(inputs[0]?.device ?? "cpu");
  const randomState = generator.getState();
  const precision = currentAutocast();
  const adapters = activeAdapters();
  const saved = inputs.map((input) => keep(input.detach()));
  const needed = inputs.map((input) => input.requiresGrad);
  const output = noGrad(() => block(...inputs));
  if (precision) native.clearAutocastCache();
  const run = (leaves: Tensor[]) => enableGrad(() => withAdapters(adapters, () => block(...leaves)));
  const again = (gradients: (number | null)[]): (number | null)[] =>
    scope(() => {
      const after = generator.getState();
      generator.setState(randomState);
      const leaves = saved.map((input, i) => input.detach().requiresGrad_(needed[i]));
      const result = precision ? autocast(precision, () => run(leaves)) : run(leaves);
      generator.setState(after);
      const incoming = gradients[0] == null ? undefined : wrap(gradients[0]);
      for (const input of saved) input.dispose();
      // A block of frozen weights whose inputs need no gradients has none to give.
      if (!incoming || !result.requiresGrad) return leaves.map(() => null);
      if (withoutLeaves) return inputGradients(result, leaves, incoming);
      backward([result], [incoming]);
      return leaves.map((leaf) => native.getGrad(leaf.handle));
    });
  const [handle] = native.checkpointed(
    [output.handle],
    inputs.map((input) => input.handle),
    again,
  );
  return wrap(handle!);
}

/** Handles of the inputs' gradients, owned by the caller; null for inputs that need none. */
function inputGradients(result: Tensor, inputs: readonly Tensor[], incoming: Tensor): (number | null)[] {
  const needed = inputs.filter((input) => input.requiresGrad);
  if (needed.length === 0) return inputs.map(() => null);
  const handles = needed.map((input) => input.handle);
  const found = native.gradient([result.handle], handles, [incoming.handle], false, false, true);
  return inputs.map((input) => (input.requiresGrad ? found[needed.indexOf(input)]! : null));
}

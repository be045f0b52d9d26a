import { checkpoint, Module, type Tensor } from "@disback/torch";

/** A block that can recompute its activations in the backward pass instead of keeping them. */
export abstract class Block extends Module {
  /** Whether activations are recomputed. Same results, one more forward pass. */
  recomputes = false;

  /** Runs `body` on all tensors that need a gradient. */
  protected perform(body: (...inputs: Tensor[]) => Tensor, ...inputs: Tensor[]): Tensor {
    return this.recomputes ? checkpoint(body, ...inputs) : body(...inputs);
  }
}

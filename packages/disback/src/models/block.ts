import { checkpoint, Module, type Tensor } from "@disback/torch";

/** A block of a network that can compute its activations again for the backward pass, not keep them. */
export abstract class Block extends Module {
  /** Whether it does. Results are the same; it costs a forward pass more. */
  recomputes = false;

  /** Runs `body` on all that it needs a gradient for. */
  protected perform(body: (...inputs: Tensor[]) => Tensor, ...inputs: Tensor[]): Tensor {
    return this.recomputes ? checkpoint(body, ...inputs) : body(...inputs);
  }
}

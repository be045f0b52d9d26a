import { scope, type Tensor } from "@disback/torch";
import type { UNetBlock } from "./unet-block.js";

/**
 * One block of a decoder. A block that expects more channels than `x` has gets the last of the encoder's outputs with it.
 * Tensors that have served are released at once: at high resolution they are the most of a network's memory.
 * @param encoded outputs of the encoder not used yet; one may be taken off its end
 */
export function decoderStep(block: UNetBlock, x: Tensor, encoded: Tensor[], embedding: Tensor): Tensor {
  const joined = x.size(1) === block.inChannels ? undefined : encoded.pop()!;
  const output = scope(() => block.forward(x, embedding, joined));
  joined?.dispose();
  if (!encoded.includes(x)) x.dispose();
  return output;
}

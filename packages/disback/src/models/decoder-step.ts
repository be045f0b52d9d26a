import { scope, type Tensor } from "@disback/torch";
import type { UNetBlock } from "./unet-block.js";

/**
 * One block of a decoder. A block that expects more channels than `x` has also gets the encoder's last output. Tensors
 * are released as soon as possible: at high resolution they take most of a network's memory. @param encoded unused
 * outputs of the encoder; one may be removed from the end
 */
export function decoderStep(block: UNetBlock, x: Tensor, encoded: Tensor[], embedding: Tensor): Tensor {
  const joined = x.size(1) === block.inChannels ? undefined : encoded.pop()!;
  const output = scope(() => block.forward(x, embedding, joined));
  joined?.dispose();
  if (!encoded.includes(x)) x.dispose();
  return output;
}

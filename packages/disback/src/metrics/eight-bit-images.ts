import type { Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";

/**
 * Images as the 8-bit picture that a user would save: judging what is beyond [-1, 1] or finer than a grey level
 * would give other numbers than judging the saved files.
 * @param images `[N, C, H, W]`, float, -1 (black) to 1 (white)
 * @returns `[N, C, H, W]`, whole numbers 0 to 255 in float32
 */
export function eightBitImages(images: Tensor): Tensor {
  if (images.ndim !== 4) {
    throw new DisbackError(
      `A feature extractor for images expects [N, C, H, W], got [${images.shape.join(", ")}]`,
    );
  }
  return images.float().mul(127.5).add(127.5).round().clamp(0, 255);
}

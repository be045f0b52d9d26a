import type { Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";

/**
 * Images as 8-bit pictures, as a user would save them. Without this rounding and clipping, figures would differ from
 * those of the saved files.
 * @param images `[N, C, H, W]` or clips `[N, C, T, H, W]`, float, -1 (black) to 1 (white)
 * @returns shape of `images`, whole numbers 0 to 255 in float32
 */
export function eightBitImages(images: Tensor): Tensor {
  if (images.ndim !== 4 && images.ndim !== 5) {
    throw new DisbackError(
      `A feature extractor for images expects [N, C, H, W], got [${images.shape.join(", ")}]`,
    );
  }
  return images.float().mul(127.5).add(127.5).round().clamp(0, 255);
}

import { type Generator, rand, type Tensor, where } from "@disback/torch";

/**
 * Mirrors each image left to right with probability 1/2.
 * @param images `[N, C, H, W]`
 * @param generator draws N numbers; lives on the images' device
 */
export function flipRandomly(images: Tensor, generator: Generator): Tensor {
  const chosen = rand([images.shape[0]!, 1, 1, 1], { generator, device: images.device }).lt(0.5);
  return where(chosen, images.flip([3]), images);
}

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

/**
 * Withholds labels: rows become zeros, which denoisers read as "no class" (as in EDM, and as classifier-free guidance
 * needs it: Ho and Salimans 2022, algorithm 1).
 * @param labels `[N, K]`
 * @param probability of each row to become zeros, in [0, 1]
 * @param generator draws N numbers; lives on the labels' device
 */
export function dropLabels(labels: Tensor, probability: number, generator: Generator): Tensor {
  const kept = rand([labels.shape[0]!, 1], { generator, device: labels.device }).ge(probability);
  return labels.mul(kept);
}

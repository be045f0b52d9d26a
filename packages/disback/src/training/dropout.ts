import { type Device, defaultGenerator, drawInteger, type Generator } from "@disback/torch";

/**
 * Dropout in a network draws from its device's default generator. This seeds that generator from ours, whose state is
 * saved, so a resumed run draws the same masks. Processes that share a batch draw different masks.
 */
export function seedDropout(generator: Generator, device: Device): void {
  const seed = drawInteger(0, 2 ** 31 - 1, { generator, device });
  defaultGenerator(device).manualSeed(seed + generator.share.index);
}

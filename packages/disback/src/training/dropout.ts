import { type Device, defaultGenerator, drawInteger, type Generator } from "@disback/torch";

/**
 * Dropout inside a network draws from its device's default generator: this ties that one to ours, whose state is
 * saved, so that a resumed run draws the same masks. Processes that share a batch draw different ones.
 */
export function seedDropout(generator: Generator, device: Device): void {
  const seed = drawInteger(0, 2 ** 31 - 1, { generator, device });
  defaultGenerator(device).manualSeed(seed + generator.share.index);
}

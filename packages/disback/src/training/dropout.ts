import { type Device, defaultGenerator, drawInteger, type Generator, type Module } from "@disback/torch";

/**
 * Dropout in a network draws from its device's default generator. This seeds that generator from ours, whose state is
 * saved, so a resumed run draws the same masks. Processes that share a batch draw different masks.
 */
export function seedDropout(generator: Generator, device: Device): void {
  const seed = drawInteger(0, 2 ** 31 - 1, { generator, device });
  defaultGenerator(device).manualSeed(seed + generator.share.index);
}

/** Whether a network drops activations while it trains. */
export function hasDropout(module: Module): boolean {
  return module.modules().some((part) => Number((part as { dropout?: unknown }).dropout ?? 0) > 0);
}

/** Probabilities that a part of a network may have, as fields or among its options. */
interface Rates {
  dropout?: unknown;
  labelDropout?: unknown;
}

/** Whether a network computes something else while it trains: it drops activations or hides labels. */
export function changesInTraining(module: Module): boolean {
  return module.modules().some((part) => {
    const { dropout, labelDropout, options } = part as Rates & { options?: Rates };
    return [dropout, labelDropout, options?.labelDropout].some((rate) => Number(rate ?? 0) > 0);
  });
}

/** Runs `again` with the dropout masks of `first`, where the network has dropout. @returns both results */
export function withSameDropout<T>(module: Module, device: Device, first: () => T, again: () => T): [T, T] {
  if (!module.training || !hasDropout(module)) return [first(), again()];
  const generator = defaultGenerator(device);
  const before = generator.getState();
  const one = first();
  const after = generator.getState();
  generator.setState(before);
  const other = again();
  generator.setState(after);
  return [one, other];
}

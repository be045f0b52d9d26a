/** Weights with the keys of our network. */
export interface AlignedWeights<Value> {
  weights: Map<string, Value>;
  /** prefix of each key in the file, such as "module." */
  prefix: string;
  /** a weight's key in the file, for messages */
  nameInFile: (key: string) => string;
  /** number of other tensors in the file */
  ignored: number;
}

/** Our denoisers hold their raw network as `model`, like EDM's. */
const inner = "model.";

/**
 * Finds the prefixes of wrappers ("module.", "net.", "_orig_mod."), and raw networks without "model.".
 * @param expected the keys of our denoiser
 * @returns undefined if no key fits
 */
export function alignKeys<Value>(
  given: ReadonlyMap<string, Value>,
  expected: readonly string[],
): AlignedWeights<Value> | undefined {
  const anchor = expected.find((key) => key.startsWith(inner)) ?? expected[0];
  if (anchor === undefined) return undefined;
  for (const [suffix, added] of [
    [anchor, ""],
    [anchor.startsWith(inner) ? anchor.slice(inner.length) : anchor, inner],
  ] as const) {
    const prefixes = [...given.keys()]
      .filter((key) => key === suffix || key.endsWith(`.${suffix}`))
      .map((key) => key.slice(0, -suffix.length))
      .sort((a, b) => a.length - b.length);
    const prefix = prefixes[0];
    if (prefix === undefined) continue;
    const weights = new Map<string, Value>();
    for (const [key, value] of given) {
      if (key.startsWith(prefix)) weights.set(added + key.slice(prefix.length), value);
    }
    const nameInFile = (key: string) => prefix + key.slice(added.length);
    return { weights, prefix, nameInFile, ignored: given.size - weights.size };
  }
  return undefined;
}

import { Generator, randn, readSafetensors, scope, type Tensor } from "@disback/torch";
import { fixture } from "./fixtures.js";

/** A network of someone else's, with what its original gives. */
export interface OriginalCase {
  name: string;
  seed: number;
  /** what the original was made with */
  flags: Record<string, unknown>;
  /** shapes by key of the original's state_dict */
  keys: Record<string, number[]>;
}

/** Cases and tensors of a file made by a script in fixtures/import. */
export function readOriginals(file: string): {
  cases: OriginalCase[];
  value: (of: OriginalCase, key: string) => Tensor | undefined;
} {
  const { tensors, metadata } = readSafetensors(fixture(file));
  return {
    cases: JSON.parse(metadata["cases"]!) as OriginalCase[],
    value: (of, key) => tensors.get(`${of.name}/${key}`),
  };
}

/** The weights that `fill` in make_edm_fixtures.py draws, under the original's keys. */
export function drawnWeights({ keys, seed }: Pick<OriginalCase, "keys" | "seed">): Map<string, Tensor> {
  const generator = new Generator(seed);
  const sorted = Object.keys(keys).sort((a, b) => (a < b ? -1 : 1));
  const weights = sorted.map((key): [string, Tensor] => {
    const [first, ...rest] = keys[key]!;
    const drawn = randn(keys[key]!, { generator });
    if (rest.length > 0) return [key, drawn.mul(1 / Math.sqrt(drawn.numel / first!))];
    return [key, drawn.mul(0.1).add(key.endsWith("weight") ? 1 : 0)];
  });
  return new Map(weights);
}

/** Whether two tensors hold the same bits. */
export const sameBits = (a: Tensor, b: Tensor): boolean =>
  scope(() => Buffer.compare(Buffer.from(a.contiguous().bytes()), Buffer.from(b.contiguous().bytes())) === 0);

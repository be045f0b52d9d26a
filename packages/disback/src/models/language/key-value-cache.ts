import { keep, noGrad, ones, ops, scope, type Tensor, zeros } from "@disback/torch";

/**
 * The keys and values of a text so far, so that each new token costs one pass of one token. Layers write in turn; `advance`
 * ends a pass. Dispose of it after use.
 */
export class KeyValueCache {
  private readonly rows = new Map<number, [keys: Tensor, values: Tensor]>();
  private filled = 0;

  /** @param capacity tokens it holds at most */
  constructor(private readonly capacity: number) {}

  /** Number of tokens whose keys and values are known. */
  get length(): number {
    return this.filled;
  }

  /** Adds a layer's keys and values `[N, heads, T, d]`. @returns those of all tokens so far */
  add(layer: number, keys: Tensor, values: Tensor): [keys: Tensor, values: Tensor] {
    const count = keys.shape[2]!;
    const held = this.rows.get(layer) ?? this.make(layer, keys);
    const given = [keys, values];
    return held.map((all, index) => {
      noGrad(() => scope(() => void all.narrow(2, this.filled, count).copy_(given[index]!)));
      return all.narrow(2, 0, this.filled + count);
    }) as [Tensor, Tensor];
  }

  /** Counts the tokens of a pass, after its last layer. */
  advance(count: number): void {
    this.filled += count;
  }

  dispose(): void {
    for (const tensor of [...this.rows.values()].flat()) tensor.dispose();
    this.rows.clear();
  }

  private make(layer: number, { shape, dtype, device }: Tensor): [Tensor, Tensor] {
    const [batch, heads, , channels] = shape as [number, number, number, number];
    const blank = () => keep(zeros([batch, heads, this.capacity, channels], { dtype, device }));
    const made: [Tensor, Tensor] = [blank(), blank()];
    this.rows.set(layer, made);
    return made;
  }
}

/**
 * Attention of each token to itself and those before it (Vaswani et al. 2017, eq. 1).
 * @param query `[N, heads, T, d]`, of the last T tokens
 * @param keys `[N, keyValueHeads, S, d]`, of all S tokens @param values like `keys`
 * @returns `[N, heads, T, d]`
 */
export function attendBackwards(query: Tensor, keys: Tensor, values: Tensor): Tensor {
  const [rows, columns] = [query.shape[2]!, keys.shape[2]!];
  const grouped = query.shape[1] !== keys.shape[1];
  const whole = rows === columns;
  // The last token sees all; several new tokens after known ones need a mask.
  const mask =
    whole || rows === 1
      ? null
      : ops.tril(ones([rows, columns], { dtype: "bool", device: query.device }), columns - rows);
  return ops.scaled_dot_product_attention(query, keys, values, mask, 0, whole && rows > 1, null, grouped);
}

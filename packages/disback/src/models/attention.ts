import { ops, type Tensor } from "@disback/torch";

/** Heads of fewer channels take libtorch up to 1.8 times as long on the CPU as heads of so many. */
const narrowest = 16;

/**
 * softmax(Q K^T / sqrt(d) + bias) V per head (Vaswani et al. 2017, eq. 1). Narrow heads are filled up with zeros, which add
 * nothing to the sums.
 * @param query `[N, heads, T, d]`
 * @param key `[N, heads, L, d]`
 * @param value `[N, heads, L, d]`
 * @param bias added to the scores, broadcast to `[N, heads, T, L]`
 * @returns `[N, heads, T, d]`
 */
export function attention(query: Tensor, key: Tensor, value: Tensor, bias?: Tensor): Tensor {
  const channels = query.shape.at(-1)!;
  if (channels >= narrowest || query.device !== "cpu")
    return ops.scaled_dot_product_attention(query, key, value, bias);
  const wide = (tensor: Tensor) => ops.constant_pad_nd(tensor, [0, narrowest - channels]);
  return ops
    .scaled_dot_product_attention(wide(query), wide(key), wide(value), bias, 0, false, channels ** -0.5)
    .narrow(-1, 0, channels);
}

/**
 * Self-attention over pixels, see `attention`.
 * @param qkv `[N, 3C, H, W]`; channels are ordered by head, then channel of the head, then query, key and value
 * @returns `[N, C, H, W]`
 */
export function pixelAttention(qkv: Tensor, heads: number): Tensor {
  const [batch, packed, height, width] = qkv.shape as [number, number, number, number];
  const channels = packed / 3;
  const pixels = height * width;
  // One copy brings query, key and value to [N, heads, H W, d] with d contiguous, as the fused kernels need them.
  const [query, key, value] = qkv
    .reshape([batch, heads, channels / heads, 3, pixels])
    .permute([3, 0, 1, 4, 2])
    .contiguous()
    .unbind(0) as [Tensor, Tensor, Tensor];
  const attended = attention(query, key, value);
  return attended.transpose(2, 3).reshape([batch, channels, height, width]);
}

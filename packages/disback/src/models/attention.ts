import { ops, type Tensor } from "@disback/torch";

/** libtorch's attention on the CPU takes twice as long for narrower heads. */
const NARROW = 16;

/**
 * Attention (Vaswani et al. 2017, eq. 1): softmax(Q K^T / sqrt(d) + bias) V. Heads of fewer than 16 channels are filled up with zeros,
 * which changes no product and halves the time on a CPU (`node bench/narrow-attention.mjs`).
 * @param query `[..., L, d]` @param key `[..., S, d]` @param value `[..., S, d]`
 * @param bias added to the logits, or bool with true where attention may look; broadcasts to `[..., L, S]`
 * @returns `[..., L, d]`
 */
export function attention(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | null = null): Tensor {
  const width = query.shape.at(-1)!;
  if (width >= NARROW) return ops.scaled_dot_product_attention(query, key, value, bias);
  const widened = [query, key, value].map((part) => ops.constant_pad_nd(part, [0, NARROW - width]));
  const [q, k, v] = widened as [Tensor, Tensor, Tensor];
  return ops.slice(ops.scaled_dot_product_attention(q, k, v, bias, 0, false, width ** -0.5), -1, 0, width);
}

/**
 * Self-attention over pixels (Vaswani et al. 2017, eq. 1): softmax(Q K^T / sqrt(d)) V per head.
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

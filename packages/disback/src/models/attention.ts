import { ops, type Tensor } from "@disback/torch";

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
  const attended = ops.scaled_dot_product_attention(query, key, value);
  return attended.transpose(2, 3).reshape([batch, channels, height, width]);
}

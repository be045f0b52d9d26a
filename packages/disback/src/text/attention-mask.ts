import { type DType, full, onesLike, ops, type Tensor, where, zeros } from "@disback/torch";

/** What is added to scores that are not to count. */
function lowest(dtype: DType): number {
  return dtype === "float16" ? -65504 : -1e30;
}

/** What a mask adds to attention's scores. @param mask `[N, L]`, 1 for tokens to look at @returns `[N, 1, 1, L]` */
export function maskBias(mask: Tensor, dtype: DType): Tensor {
  const { device } = mask;
  const seen = mask.ne(0);
  const [none, hidden] = [zeros([1], { dtype, device }), full([1], lowest(dtype), { dtype, device })];
  return where(seen, none, hidden).unsqueeze(1).unsqueeze(1);
}

/** What keeps tokens from looking at those behind them. @param states `[N, L, C]` @returns `[1, 1, L, L]` */
export function causalBias(states: Tensor): Tensor {
  const { dtype, device } = states;
  const length = states.shape[1]!;
  return ops.triu(full([1, 1, length, length], lowest(dtype), { dtype, device }), 1);
}

/** A mask by which all tokens count. @param ids `[N, L]` */
export function allTokens(ids: Tensor): Tensor {
  return onesLike(ids);
}

import { type DType, full, onesLike, ops, type Tensor, where, zeros } from "@disback/torch";

/** Added to the scores of masked tokens. */
function lowest(dtype: DType): number {
  return dtype === "float16" ? -65504 : -1e30;
}

/** The mask as a term of attention's scores. @param mask `[N, L]`, 1 for tokens to attend to @returns `[N, 1, 1, L]` */
export function maskBias(mask: Tensor, dtype: DType): Tensor {
  const { device } = mask;
  const seen = mask.ne(0);
  const [none, hidden] = [zeros([1], { dtype, device }), full([1], lowest(dtype), { dtype, device })];
  return where(seen, none, hidden).unsqueeze(1).unsqueeze(1);
}

/** The term that keeps tokens from attending to later ones. @param states `[N, L, C]` @returns `[1, 1, L, L]` */
export function causalBias(states: Tensor): Tensor {
  const { dtype, device } = states;
  const length = states.shape[1]!;
  return ops.triu(full([1, 1, length, length], lowest(dtype), { dtype, device }), 1);
}

/** A mask of all tokens. @param ids `[N, L]` */
export function allTokens(ids: Tensor): Tensor {
  return onesLike(ids);
}

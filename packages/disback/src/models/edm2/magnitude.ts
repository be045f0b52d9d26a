import { cat, ops, scope, type Tensor } from "@disback/torch";

/** Added to every norm. */
const epsilon = 1e-4;

/**
 * x over its root mean square along some dimensions, so that its magnitude is 1 (Karras et al. 2024, eq. 46 for weights,
 * eq. 30 for pixels).
 * @param dims all but the first by default
 */
export function normalized(
  x: Tensor,
  dims: readonly number[] = x.shape.slice(1).map((_, axis) => axis + 1),
): Tensor {
  return scope(() => {
    const norm = ops.linalg_vector_norm(x, 2, dims, true, "float32");
    const size = dims.reduce((product, axis) => product * x.shape[axis]!, 1);
    const divisor = norm.mul(Math.sqrt(1 / size)).add(epsilon);
    return x.div(divisor.dtype === x.dtype ? divisor : divisor.to(x.dtype));
  });
}

/** SiLU over the magnitude of its output for normal input (eq. 81). */
export function preservingSilu(x: Tensor): Tensor {
  return scope(() => ops.silu(x).div(0.596));
}

/** A weighted sum of uncorrelated tensors of unit magnitude (eq. 88). @param balance weight of `b`, 0 to 1 */
export function preservingSum(a: Tensor, b: Tensor, balance: number): Tensor {
  const magnitude = Math.hypot(1 - balance, balance);
  return scope(() => a.mul((1 - balance) / magnitude).add(b.mul(balance / magnitude)));
}

/** Concatenates the channels of two tensors, weighted by their shares of the magnitude (eq. 103). */
export function preservingConcat(a: Tensor, b: Tensor, balance: number): Tensor {
  const [channelsA, channelsB] = [a.shape[1]!, b.shape[1]!];
  const scale = Math.sqrt(channelsA + channelsB) / Math.hypot(1 - balance, balance);
  return scope(() =>
    cat(
      [
        a.mul((scale * (1 - balance)) / Math.sqrt(channelsA)),
        b.mul((scale * balance) / Math.sqrt(channelsB)),
      ],
      1,
    ),
  );
}

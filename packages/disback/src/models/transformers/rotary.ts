import { arange, cat, ops, stack, type Tensor } from "@disback/torch";

/** Cosines and sines of every token's angles, `[T, channels / 2]` each. */
export interface Rotation {
  cosines: Tensor;
  sines: Tensor;
}

/**
 * Angles of tokens at places on several axes (Su et al. 2021, eq. 15): channels are shared out among the axes, each with
 * frequencies base^(-2i / channels). Computed in float64, as in the original.
 * @param places `[T]` for each axis
 * @param channels of a head that belong to each axis, even
 */
export function rotation(places: readonly Tensor[], channels: readonly number[], base = 10000): Rotation {
  const angles = places.map((place, axis) => {
    const count = channels[axis]!;
    const exponents = arange(0, count, 2, { dtype: "float64", device: place.device }).div(-count);
    return ops.outer(place.to("float64"), ops.pow_Scalar(base, exponents));
  });
  const all = cat(angles, 1);
  return { cosines: all.cos().float(), sines: all.sin().float() };
}

/**
 * Turns neighbouring pairs of channels by the tokens' angles.
 * @param x `[N, heads, T, channels]` @returns the same shape and dtype; computed in float32
 */
export function rotate(x: Tensor, { cosines, sines }: Rotation): Tensor {
  const [real, imaginary] = ops.unflatten(x.float(), -1, [-1, 2]).unbind(-1) as [Tensor, Tensor];
  const turned = [real.mul(cosines).sub(imaginary.mul(sines)), imaginary.mul(cosines).add(real.mul(sines))];
  return stack(turned, -1).flatten(-2).to(x.dtype);
}

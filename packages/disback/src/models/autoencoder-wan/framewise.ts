import { ops, type Tensor } from "@disback/torch";

/** Applies work on pictures to each frame. @param x `[N, C, T, H, W]` */
export function framewise(x: Tensor, work: (frames: Tensor) => Tensor): Tensor {
  const [batch, , frames] = x.shape as [number, number, number];
  const flat = work(x.transpose(1, 2).flatten(0, 1));
  return ops.unflatten(flat, 0, [batch, frames]).transpose(1, 2);
}

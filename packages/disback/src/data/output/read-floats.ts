import { scope, type Tensor } from "@disback/torch";

/** A tensor's values as float32, row-major, from any device and float dtype; no tensor is left behind. */
export function readFloats(tensor: Tensor): Float32Array {
  return scope(() => tensor.detach().to("cpu").float().data() as Float32Array);
}

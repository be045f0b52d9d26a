import { native } from "./binding.js";
import { type Device, type DType, dtypeCode } from "./dtype.js";

/** A region of mixed precision. */
export interface AutocastOptions {
  device?: Device;
  dtype?: DType;
}

let region: AutocastOptions | undefined;

/** Runs `body` with eligible operators in half precision (bfloat16 unless said). Weights do not change. */
export function autocast<T>(options: AutocastOptions, body: () => T): T {
  const device = options.device ?? "cpu";
  const before = native.enterAutocast(device, dtypeCode(options.dtype ?? "bfloat16"));
  const around = region;
  region = options;
  try {
    return body();
  } finally {
    region = around;
    native.leaveAutocast(device, ...before);
  }
}

/** The current region of mixed precision, for a block that will be recomputed. */
export function currentAutocast(): AutocastOptions | undefined {
  return region;
}

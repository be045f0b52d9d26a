import { native } from "./binding.js";
import { TorchError } from "./errors.js";

/** All calls of one operator. */
export interface OperatorTime {
  /** such as `"aten::convolution_backward"`; a node of a backward pass has its class's name */
  operator: string;
  /** of the tensors given, such as `"[16, 8, 4, 4][8]"`; empty unless asked for */
  shapes: string;
  calls: number;
  /** processor time of this thread, without that of operators called inside */
  seconds: number;
}

export interface ProfileOptions {
  /** tell calls with other shapes apart, default false */
  shapes?: boolean;
}

/**
 * Runs `body` and tells which operators libtorch ran in this thread and for how long, inside backward passes too.
 * Measuring costs about a microsecond a call.
 * @returns the most expensive first
 * @throws TorchError if a profile is being taken already, or `body` is asynchronous
 */
export function profile(body: () => unknown, options: ProfileOptions = {}): OperatorTime[] {
  native.startProfile(options.shapes ?? false);
  let rows: ReturnType<typeof native.stopProfile> = [];
  try {
    if (body() instanceof Promise)
      throw new TorchError("profile() takes a function that is not asynchronous");
  } finally {
    rows = native.stopProfile();
  }
  return rows
    .map(([operator, shapes, calls, seconds]) => ({ operator, shapes, calls, seconds }))
    .sort((a, b) => b.seconds - a.seconds);
}

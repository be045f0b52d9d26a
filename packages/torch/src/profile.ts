import { native } from "./binding.js";
import { TorchError } from "./errors.js";

/** All calls of one operator. */
export interface OperatorTime {
  /** such as `"aten::convolution_backward"`; a backward node has the name of its class */
  operator: string;
  /** shapes of the arguments, such as `"[16, 8, 4, 4][8]"`; empty unless requested */
  shapes: string;
  calls: number;
  /** processor time of this thread, without operators called inside */
  seconds: number;
}

export interface ProfileOptions {
  /** distinguish calls by shapes, default false */
  shapes?: boolean;
}

/**
 * Runs `body` and returns the operators that libtorch ran in this thread and their times, also inside backward passes.
 * Measuring costs about a microsecond a call.
 * @returns the most expensive first
 * @throws TorchError if a profile is already being taken, or `body` is asynchronous
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

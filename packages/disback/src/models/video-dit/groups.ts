import type { Tensor } from "@disback/torch";
import type { AttentionGroups } from "../dit/block.js";

/** The patches of one moment attend to one another. @param patches S of a moment */
export function overSpace(patches: number): AttentionGroups {
  return {
    // [N, T * S, C] -> [N * T, S, C]
    apart: (tokens) => tokens.reshape([-1, patches, tokens.shape[2]!]),
    together: (tokens, batch) => tokens.reshape([batch, -1, tokens.shape[2]!]),
  };
}

/** The patches at one place attend to one another through time. @param times T @param patches S of a moment */
export function overTime(times: number, patches: number): AttentionGroups {
  const swapped = (tokens: Tensor, first: number, second: number) =>
    tokens.reshape([-1, first, second, tokens.shape[2]!]).transpose(1, 2);
  return {
    // [N, T * S, C] -> [N * S, T, C]
    apart: (tokens) => swapped(tokens, times, patches).reshape([-1, times, tokens.shape[2]!]),
    together: (tokens, batch) => swapped(tokens, patches, times).reshape([batch, -1, tokens.shape[2]!]),
  };
}

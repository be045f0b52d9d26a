import { arange, cat, type Tensor, zeros } from "@disback/torch";
import { DisbackError } from "../../../errors.js";
import { type Rotation, rotation } from "../rotary.js";

/**
 * Two by two pixels as one token, whose numbers run over channels, then rows and columns.
 * @param x `[N, C, H, W]` @returns `[N, H W / 4, 4 C]`
 * @throws DisbackError if height or width are odd
 */
export function pack(x: Tensor): Tensor {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  if (height % 2 !== 0 || width % 2 !== 0) throw new DisbackError(`x: ${height} x ${width} must be even`);
  return x
    .reshape([batch, channels, height / 2, 2, width / 2, 2])
    .permute([0, 2, 4, 1, 3, 5])
    .reshape([batch, (height * width) / 4, 4 * channels]);
}

/** What `pack` did, undone. @param tokens `[N, H W / 4, 4 C]` @returns `[N, C, H, W]` */
export function unpack(tokens: Tensor, height: number, width: number): Tensor {
  const batch = tokens.shape[0]!;
  return tokens
    .reshape([batch, height / 2, width / 2, -1, 2, 2])
    .permute([0, 3, 1, 4, 2, 5])
    .reshape([batch, -1, height, width]);
}

/** Angles of all tokens: the text's stand at place 0 of every axis, the picture's at their row and column. */
export function fluxRotation(
  textLength: number,
  [rows, columns]: readonly [number, number],
  axisChannels: readonly number[],
  like: Tensor,
): Rotation {
  const placement = { dtype: "float64", device: like.device } as const;
  const all = textLength + rows * columns;
  const placed = (places: Tensor) =>
    cat([zeros([textLength], placement), places.expand([rows, columns]).flatten()]);
  const row = placed(arange(0, rows, 1, placement).unsqueeze(1));
  const column = placed(arange(0, columns, 1, placement).unsqueeze(0));
  return rotation([zeros([all], placement), row, column], axisChannels);
}

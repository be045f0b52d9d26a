import { buffer, Module, type Tensor } from "@disback/torch";
import { DisbackError } from "../../../errors.js";
import { PatchProjection, placeEmbedding } from "../../dit/patches.js";
import type { WeightSource } from "../../weights.js";
import type { Sd3Options } from "./options.js";

/** Cuts pictures of any size into patches, which get places from the middle of a table. Keys as of `PatchEmbed`. */
export class CentredPatchEmbedding extends Module {
  readonly pos_embed: Tensor;
  readonly proj: PatchProjection;
  private readonly side: number;

  constructor(source: WeightSource, channels: number, options: Sd3Options) {
    super();
    this.side = options.placeSide;
    this.pos_embed = buffer(placeEmbedding(channels, options.placeSide, options.placeScale));
    this.proj = new PatchProjection(source, options.inChannels, channels, options.patchSize);
  }

  /** Rows and columns of patches. @throws DisbackError if the size does not fit */
  places(x: Tensor): readonly [rows: number, columns: number] {
    const { patchSize } = this.proj;
    const [height, width] = x.shape.slice(2) as [number, number];
    if (height % patchSize !== 0 || width % patchSize !== 0) {
      throw new DisbackError(`x: ${height} x ${width} must be multiples of the patch size ${patchSize}`);
    }
    const places = [height / patchSize, width / patchSize] as const;
    if (places.some((count) => count > this.side)) {
      throw new DisbackError(`x: ${places.join(" x ")} patches are more than ${this.side} in a row`);
    }
    return places;
  }

  /** @param x `[N, in, H, W]` @returns `[N, T, channels]`, row by row */
  forward(x: Tensor): Tensor {
    const [rows, columns] = this.places(x);
    const places = this.pos_embed
      .reshape([this.side, this.side, -1])
      .narrow(0, Math.floor((this.side - rows) / 2), rows)
      .narrow(1, Math.floor((this.side - columns) / 2), columns)
      .reshape([1, rows * columns, -1]);
    const tokens = this.proj.forward(x).flatten(2).transpose(1, 2);
    return tokens.add(places.to(tokens.dtype)).contiguous();
  }
}

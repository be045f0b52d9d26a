import { cat, scope, type Tensor } from "@disback/torch";
import { Block } from "../block.js";
import { FeedForward } from "../feed-forward.js";
import type { WeightSource } from "../weights.js";
import { JointAttention } from "./joint-attention.js";
import { gated, ModulatedNorm, Modulation, normalized } from "./modulation.js";
import type { Rotation } from "./rotary.js";

export interface JointBlockOptions {
  channels: number;
  heads: number;
  /** normalize queries and keys */
  normalized: boolean;
  /** the picture's tokens attend among themselves besides (Stable Diffusion 3.5 medium) */
  dual: boolean;
  /** the network's last block: the text ends here */
  last: boolean;
}

/** Tokens of the picture `[N, T, C]` and of the text `[N, L, C]`. */
export interface Streams {
  image: Tensor;
  text: Tensor;
}

/**
 * A block of MM-DiT (Esser et al. 2024, figure 2b): picture and text have weights of their own and meet in attention.
 * Keys are those of `JointTransformerBlock` and `FluxTransformerBlock` of diffusers.
 */
export class JointBlock extends Block {
  readonly norm1: Modulation;
  readonly norm1_context: Modulation | ModulatedNorm;
  readonly attn: JointAttention;
  readonly attn2: JointAttention | null;
  readonly ff: FeedForward;
  readonly ff_context: FeedForward | null;

  constructor(source: WeightSource, options: JointBlockOptions) {
    super();
    const { channels, last, dual } = options;
    this.norm1 = new Modulation(source, channels, dual ? 9 : 6);
    this.norm1_context = last ? new ModulatedNorm(source, channels) : new Modulation(source, channels, 6);
    this.attn = new JointAttention(source, { ...options, text: last ? "in" : "both" });
    this.attn2 = dual ? new JointAttention(source, { ...options, text: null }) : null;
    this.ff = new FeedForward(source, channels, "gelu-tanh");
    this.ff_context = last ? null : new FeedForward(source, channels, "gelu-tanh");
  }

  /**
   * @param vector of time and text `[N, C]`
   * @param turned angles of the text's tokens, then the picture's
   * @returns both streams; after the last block the text's tokens as they came
   */
  forward({ image, text }: Streams, vector: Tensor, turned?: Rotation): Streams {
    if (!this.recomputes) return this.pass({ image, text }, vector, turned);
    const angles = turned ? [turned.cosines, turned.sines] : [];
    const joined = this.perform(
      (i, t, v, cosines, sines) => {
        const result = this.pass({ image: i!, text: t! }, v!, cosines && sines && { cosines, sines });
        return cat([result.text, result.image], 1);
      },
      image,
      text,
      vector,
      ...angles,
    );
    const length = text.shape[1]!;
    return {
      image: joined.narrow(1, length, image.shape[1]!),
      text: joined.narrow(1, 0, length),
    };
  }

  private pass({ image, text }: Streams, vector: Tensor, turned: Rotation | undefined): Streams {
    return scope(() => {
      const [shift, scale, gate, mlpShift, mlpScale, mlpGate, shift2, scale2, gate2] = this.norm1.forward(
        vector,
      ) as Nine;
      const context = this.context(text, vector);
      const attended = this.attn.forward(normalized(image, shift, scale), context.normal, turned);
      let hidden = gated(image, gate, attended.image);
      if (this.attn2) {
        const second = this.attn2.forward(normalized(image, shift2, scale2)).image;
        hidden = gated(hidden, gate2, second);
      }
      return {
        image: scope(() => gated(hidden, mlpGate, this.ff.forward(normalized(hidden, mlpShift, mlpScale)))),
        text: attended.text ? context.finish(attended.text) : text,
      };
    });
  }

  /** The text's tokens before attention, and what becomes of them after it. */
  private context(text: Tensor, vector: Tensor): { normal: Tensor; finish(attended: Tensor): Tensor } {
    if (this.norm1_context instanceof ModulatedNorm) {
      return { normal: this.norm1_context.forward(text, vector), finish: () => text };
    }
    const [shift, scale, gate, mlpShift, mlpScale, mlpGate] = this.norm1_context.forward(vector) as Nine;
    const finish = (attended: Tensor) =>
      scope(() => {
        const hidden = gated(text, gate, attended);
        return gated(hidden, mlpGate, this.ff_context!.forward(normalized(hidden, mlpShift, mlpScale)));
      });
    return { normal: normalized(text, shift, scale), finish };
  }
}

/**
 * Runs blocks one after the other, releasing what each was given: a large picture's tokens take as much as weights.
 * `onBlock` gets the picture's tokens after every block; they are released later.
 */
export function throughBlocks(
  blocks: readonly JointBlock[],
  start: Streams,
  vector: Tensor,
  turned?: Rotation,
  onBlock?: (image: Tensor) => void,
): Streams {
  let streams = start;
  for (const block of blocks) {
    const next = block.forward(streams, vector, turned);
    onBlock?.(next.image);
    if (next.image !== streams.image) streams.image.dispose();
    if (next.text !== streams.text) streams.text.dispose();
    streams = next;
  }
  return streams;
}

type Nine = [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];

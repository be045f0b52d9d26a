import { LayerNorm, parameter, scope, type Tensor } from "@disback/torch";
import { Block } from "../../block.js";
import { modulated } from "../../dit/block.js";
import { FeedForward } from "../../feed-forward.js";
import type { WeightSource } from "../../weights.js";
import { gated } from "../modulation.js";
import type { Rotation } from "../rotary.js";
import { WanAttention } from "./attention.js";
import type { WanOptions } from "./options.js";

/**
 * A block of Wan2.1 (Wan Team 2025, section 4.2): attention among all places and frames, attention to the text, a
 * feed-forward layer. All blocks share the time's modulation, to which each adds a table of its own:
 * `WanTransformerBlock` of diffusers, with its keys.
 */
export class WanBlock extends Block {
  readonly attn1: WanAttention;
  readonly attn2: WanAttention;
  readonly norm2: LayerNorm | null;
  readonly ffn: FeedForward;
  readonly scale_shift_table: Tensor;
  private readonly eps: number;

  constructor(source: WeightSource, { heads, channelsPerHead, ...options }: WanOptions) {
    super();
    const channels = heads * channelsPerHead;
    this.eps = options.normalizationEps;
    this.attn1 = new WanAttention(source, channels, heads, this.eps);
    this.attn2 = new WanAttention(source, channels, heads, this.eps);
    this.norm2 = options.normalizedText ? new LayerNorm(channels, { eps: this.eps }) : null;
    this.ffn = new FeedForward(source, channels, "gelu-tanh", options.feedForwardChannels);
    this.scale_shift_table = shiftTable(source, 6, channels);
  }

  /**
   * @param tokens `[N, T, C]`
   * @param text `[N, L, C]`
   * @param modulation of the time, `[N, 6, C]` or `[1, 6, C]`
   * @returns the tokens' shape
   */
  forward(tokens: Tensor, text: Tensor, modulation: Tensor, turned: Rotation): Tensor {
    return this.perform(
      (...[clip, words, time, cosines, sines]) =>
        this.pass(clip!, words!, time!, { cosines: cosines!, sines: sines! }),
      ...[tokens, text, modulation, turned.cosines, turned.sines],
    );
  }

  private pass(tokens: Tensor, text: Tensor, modulation: Tensor, turned: Rotation): Tensor {
    return scope(() => {
      const [shift, scale, gate, mlpShift, mlpScale, mlpGate] = this.scale_shift_table
        .add(modulation)
        .unbind(1) as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
      const attended = scope(() => {
        const normal = modulated(tokens, shift, scale, this.eps);
        return gated(tokens, gate, this.attn1.forward(normal, normal, turned));
      });
      const told = scope(() =>
        attended.add(this.attn2.forward(this.norm2?.forward(attended) ?? attended, text)),
      );
      return scope(() =>
        gated(told, mlpGate, this.ffn.forward(modulated(told, mlpShift, mlpScale, this.eps))),
      );
    });
  }
}

/** A table of shifts, scales and gates that is added to those of the time. @returns `[1, parts, channels]` */
export function shiftTable(source: WeightSource, parts: number, channels: number): Tensor {
  const drawn = source.normal([1, parts, channels]);
  return parameter(source.shapesOnly ? drawn : drawn.mul(1 / Math.sqrt(channels)));
}

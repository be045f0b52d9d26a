import { LayerNorm, recomputed, scope, type Tensor } from "@disback/torch";
import { Block } from "../block.js";
import { FeedForward } from "../feed-forward.js";
import type { WeightSource } from "../weights.js";
import { CrossAttention } from "./cross-attention.js";

/** Attention among pixels, attention to the text, a feed-forward layer: `BasicTransformerBlock` of diffusers. */
export class TextTransformerBlock extends Block {
  readonly norm1: LayerNorm;
  readonly attn1: CrossAttention;
  readonly norm2: LayerNorm;
  readonly attn2: CrossAttention;
  readonly norm3: LayerNorm;
  readonly ff: FeedForward;

  constructor(source: WeightSource, channels: number, heads: number, textChannels: number) {
    super();
    this.norm1 = new LayerNorm(channels);
    this.attn1 = new CrossAttention(source, channels, heads);
    this.norm2 = new LayerNorm(channels);
    this.attn2 = new CrossAttention(source, channels, heads, textChannels);
    this.norm3 = new LayerNorm(channels);
    this.ff = new FeedForward(source, channels, "geglu");
  }

  /**
   * @param tokens `[N, T, C]`
   * @param text `[N, L, D]`
   * @param bias of the text's mask, `[N, 1, 1, L]`
   * @returns `[N, T, C]`
   */
  forward(tokens: Tensor, text: Tensor, bias?: Tensor): Tensor {
    const body = (input: Tensor, states: Tensor, added?: Tensor) => this.pass(input, states, added);
    return this.perform(body as (...inputs: Tensor[]) => Tensor, tokens, text, ...(bias ? [bias] : []));
  }

  private pass(tokens: Tensor, text: Tensor, bias?: Tensor): Tensor {
    const normal = (norm: LayerNorm, input: Tensor) => recomputed((x) => norm.forward(x), input);
    return scope(() => {
      const first = scope(() => this.attn1.forward(normal(this.norm1, tokens)).add_(tokens));
      const second = scope(() => this.attn2.forward(normal(this.norm2, first), text, bias).add_(first));
      return scope(() => this.ff.forward(normal(this.norm3, second)).add_(second));
    });
  }
}

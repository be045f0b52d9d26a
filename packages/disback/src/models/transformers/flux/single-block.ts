import { cat, ops, scope, type Tensor } from "@disback/torch";
import { Block } from "../../block.js";
import { Dense } from "../../dense.js";
import { torchStart } from "../../unet-2d/start.js";
import type { WeightSource } from "../../weights.js";
import { JointAttention } from "../joint-attention.js";
import { gated, Modulation, normalized } from "../modulation.js";
import type { Rotation } from "../rotary.js";

/** Attention and a feed-forward layer side by side, for all tokens alike: `FluxSingleTransformerBlock` of diffusers. */
export class SingleBlock extends Block {
  readonly norm: Modulation;
  readonly proj_mlp: Dense;
  readonly proj_out: Dense;
  readonly attn: JointAttention;

  constructor(source: WeightSource, channels: number, heads: number) {
    super();
    this.norm = new Modulation(source, channels, 3);
    this.proj_mlp = new Dense(source, channels, 4 * channels, torchStart);
    this.proj_out = new Dense(source, 5 * channels, channels, torchStart);
    this.attn = new JointAttention(source, { channels, heads, normalized: true, text: null, output: false });
  }

  /** @param tokens of text and picture `[N, L + T, C]` @param vector `[N, C]` @returns the same shape as tokens */
  forward(tokens: Tensor, vector: Tensor, turned: Rotation): Tensor {
    return this.perform(
      (input, told, cosines, sines) => this.pass(input!, told!, { cosines: cosines!, sines: sines! }),
      tokens,
      vector,
      turned.cosines,
      turned.sines,
    );
  }

  private pass(tokens: Tensor, vector: Tensor, turned: Rotation): Tensor {
    return scope(() => {
      const [shift, scale, gate] = this.norm.forward(vector) as [Tensor, Tensor, Tensor];
      const normal = normalized(tokens, shift, scale);
      const wide = scope(() => ops.gelu(this.proj_mlp.forward(normal), "tanh"));
      const attended = this.attn.forward(normal, undefined, turned).image;
      return gated(tokens, gate, this.proj_out.forward(cat([attended, wide], 2)));
    });
  }
}

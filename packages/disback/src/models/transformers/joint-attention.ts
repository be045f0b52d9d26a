import { cat, Module, scope, type Tensor } from "@disback/torch";
import { attention } from "../attention.js";
import { Dense } from "../dense.js";
import { torchStart } from "../unet-2d/start.js";
import type { WeightSource } from "../weights.js";
import { RootMeanSquareNorm } from "./root-mean-square.js";
import { type Rotation, rotate } from "./rotary.js";

export interface JointAttentionOptions {
  channels: number;
  heads: number;
  /** normalize queries and keys by their root mean square */
  normalized: boolean;
  /** the text has projections of its own: with one back to the text ("both"), or without ("in"); null for no text */
  text: "both" | "in" | null;
  /** a projection after it, default true */
  output?: boolean;
}

/** Attention among the tokens of a picture and of its text together (Esser et al. 2024, figure 2). Keys are diffusers'. */
export class JointAttention extends Module {
  readonly to_q: Dense;
  readonly to_k: Dense;
  readonly to_v: Dense;
  readonly norm_q: RootMeanSquareNorm | null;
  readonly norm_k: RootMeanSquareNorm | null;
  readonly to_out: Dense[];
  readonly add_q_proj: Dense | null;
  readonly add_k_proj: Dense | null;
  readonly add_v_proj: Dense | null;
  readonly norm_added_q: RootMeanSquareNorm | null;
  readonly norm_added_k: RootMeanSquareNorm | null;
  readonly to_add_out: Dense | null;
  private readonly heads: number;

  constructor(source: WeightSource, options: JointAttentionOptions) {
    super();
    const { channels, heads, text, output = true } = options;
    const dense = () => new Dense(source, channels, channels, torchStart);
    const norm = () => (options.normalized ? new RootMeanSquareNorm(channels / heads) : null);
    this.heads = heads;
    this.to_q = dense();
    this.to_k = dense();
    this.to_v = dense();
    this.norm_q = norm();
    this.norm_k = norm();
    this.to_out = output ? [dense()] : [];
    this.add_q_proj = text && dense();
    this.add_k_proj = text && dense();
    this.add_v_proj = text && dense();
    this.norm_added_q = text && norm();
    this.norm_added_k = text && norm();
    this.to_add_out = text === "both" ? dense() : null;
  }

  /**
   * @param image `[N, T, C]`
   * @param text `[N, L, C]`, if the attention has text
   * @param turned angles of the text's tokens, then the picture's
   * @returns the picture's tokens, and the text's if they have a projection back
   */
  forward(image: Tensor, text?: Tensor, turned?: Rotation): { image: Tensor; text: Tensor | undefined } {
    return scope(() => {
      const attended = scope(() => this.attend(image, text, turned));
      const length = text?.shape[1] ?? 0;
      const ofImage = attended.narrow(1, length, attended.shape[1]! - length);
      return {
        image: this.to_out[0]?.forward(ofImage) ?? ofImage,
        text: this.to_add_out?.forward(attended.narrow(1, 0, length)),
      };
    });
  }

  private attend(image: Tensor, text: Tensor | undefined, turned: Rotation | undefined): Tensor {
    const own = [
      this.split(this.to_q.forward(image), this.norm_q),
      this.split(this.to_k.forward(image), this.norm_k),
      this.split(this.to_v.forward(image), null),
    ];
    const added = text && [
      this.split(this.add_q_proj!.forward(text), this.norm_added_q),
      this.split(this.add_k_proj!.forward(text), this.norm_added_k),
      this.split(this.add_v_proj!.forward(text), null),
    ];
    const [query, key, value] = own.map((part, index) => (added ? cat([added[index]!, part], 2) : part)) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const placed = turned ? [rotate(query, turned), rotate(key, turned)] : [query, key];
    return attention(placed[0]!, placed[1]!, value).transpose(1, 2).flatten(2);
  }

  /** `[N, L, C]` to `[N, heads, L, C / heads]` */
  private split(projected: Tensor, norm: RootMeanSquareNorm | null): Tensor {
    const [batch, length] = projected.shape as [number, number];
    const heads = projected.view([batch, length, this.heads, -1]).transpose(1, 2);
    return norm?.forward(heads) ?? heads;
  }
}

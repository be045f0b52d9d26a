import { LayerNorm, Module, ops, scope, type Tensor } from "@disback/torch";
import { Dense } from "../../models/dense.js";
import { torchStart } from "../../models/unet-2d/start.js";
import type { WeightSource } from "../../models/weights.js";
import type { ClipLayerOptions } from "./options.js";

/** Attention and a feed-forward layer, normalized before: `CLIPEncoderLayer` of transformers. */
export class ClipLayer extends Module {
  readonly self_attn: { k_proj: Dense; v_proj: Dense; q_proj: Dense; out_proj: Dense };
  readonly layer_norm1: LayerNorm;
  readonly mlp: { fc1: Dense; fc2: Dense };
  readonly layer_norm2: LayerNorm;
  private readonly heads: number;
  private readonly activation: ClipLayerOptions["activation"];

  constructor(source: WeightSource, options: ClipLayerOptions) {
    super();
    const { channels, feedForwardChannels, normalizationEps: eps } = options;
    const projection = () => new Dense(source, channels, channels, torchStart);
    this.heads = options.heads;
    this.activation = options.activation;
    this.self_attn = {
      k_proj: projection(),
      v_proj: projection(),
      q_proj: projection(),
      out_proj: projection(),
    };
    this.layer_norm1 = new LayerNorm(channels, { eps });
    this.mlp = {
      fc1: new Dense(source, channels, feedForwardChannels, torchStart),
      fc2: new Dense(source, feedForwardChannels, channels, torchStart),
    };
    this.layer_norm2 = new LayerNorm(channels, { eps });
  }

  /** @param states `[N, L, C]` @param bias term of attention's scores, which broadcasts to `[N, heads, L, L]` */
  forward(states: Tensor, bias: Tensor | null = null): Tensor {
    return scope(() => {
      const attended = this.attend(this.layer_norm1.forward(states), bias).add(states);
      const wide = this.mlp.fc1.forward(this.layer_norm2.forward(attended));
      const active = this.activation === "gelu" ? ops.gelu(wide) : wide.mul(wide.mul(1.702).sigmoid());
      return this.mlp.fc2.forward(active).add(attended);
    });
  }

  private attend(states: Tensor, bias: Tensor | null): Tensor {
    const { q_proj, k_proj, v_proj, out_proj } = this.self_attn;
    const [query, key, value] = [q_proj, k_proj, v_proj].map((projection) =>
      splitHeads(projection.forward(states), this.heads),
    ) as [Tensor, Tensor, Tensor];
    const attended = ops.scaled_dot_product_attention(query, key, value, bias);
    return out_proj.forward(attended.transpose(1, 2).flatten(2));
  }
}

/** `[N, L, C]` to `[N, heads, L, C / heads]` */
export function splitHeads(projected: Tensor, heads: number): Tensor {
  const [batch, length] = projected.shape as [number, number];
  return projected.view([batch, length, heads, -1]).transpose(1, 2);
}

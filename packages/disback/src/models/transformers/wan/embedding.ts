import { Module, ops, type Tensor } from "@disback/torch";
import { Dense } from "../../dense.js";
import { PositionalEmbedding } from "../../embeddings.js";
import { inDtype } from "../../network.js";
import { torchStart } from "../../unet-2d/start.js";
import { StepEmbedding } from "../../unet-2d/step-embedding.js";
import type { WeightSource } from "../../weights.js";
import type { WanOptions } from "./options.js";

/** Time and text as the blocks take them: `WanTimeTextImageEmbedding` of diffusers, without pictures. */
export class TimeTextEmbedding extends Module {
  readonly time_embedder: StepEmbedding;
  readonly time_proj: Dense;
  readonly text_embedder: StepEmbedding;
  private readonly waves: PositionalEmbedding;

  constructor(source: WeightSource, channels: number, { timeChannels, textChannels }: WanOptions) {
    super();
    this.waves = new PositionalEmbedding(timeChannels, { order: "cosine-first", exponential: true });
    this.time_embedder = new StepEmbedding(source, timeChannels, channels);
    this.time_proj = new Dense(source, channels, 6 * channels, torchStart);
    this.text_embedder = new StepEmbedding(source, textChannels, channels, (x) => ops.gelu(x, "tanh"));
  }

  /**
   * @param time in [0, 1], `[N]` or `[1]`
   * @param text `[N, L, D]` in the dtype of the weights
   * @returns the time's vector `[N, C]`, the blocks' modulation `[N, 6, C]` and the text `[N, L, C]`
   */
  forward(time: Tensor, text: Tensor): { vector: Tensor; modulation: Tensor; text: Tensor } {
    const waves = inDtype(this.waves.forward(time.float().mul(1000)), text.dtype);
    const vector = this.time_embedder.forward(waves);
    const modulation = ops.unflatten(this.time_proj.forward(ops.silu(vector)), 1, [6, -1]);
    return { vector, modulation, text: this.text_embedder.forward(text) };
  }
}

import { Module, type Tensor } from "@disback/torch";
import { PositionalEmbedding } from "../embeddings.js";
import { inDtype } from "../network.js";
import { StepEmbedding } from "../unet-2d/step-embedding.js";
import type { WeightSource } from "../weights.js";

const waveChannels = 256;

/**
 * Time, pooled text and, where the network has it, guidance as one vector: `CombinedTimestepTextProjEmbeddings` and
 * `CombinedTimestepGuidanceTextProjEmbeddings` of diffusers.
 */
export class VectorEmbedding extends Module {
  readonly timestep_embedder: StepEmbedding;
  readonly guidance_embedder: StepEmbedding | null;
  readonly text_embedder: StepEmbedding;
  private readonly waves: PositionalEmbedding;

  constructor(
    source: WeightSource,
    options: { channels: number; pooledChannels: number; guidance: boolean },
  ) {
    super();
    const { channels, pooledChannels, guidance } = options;
    this.waves = new PositionalEmbedding(waveChannels, { order: "cosine-first", exponential: true });
    this.timestep_embedder = new StepEmbedding(source, waveChannels, channels);
    this.guidance_embedder = guidance ? new StepEmbedding(source, waveChannels, channels) : null;
    this.text_embedder = new StepEmbedding(source, pooledChannels, channels);
  }

  /**
   * @param time in [0, 1], `[N]` or `[1]`
   * @param pooled `[N, P]`
   * @param guidance `[N]` or `[1]`, if the network has it
   * @returns `[N, channels]`
   */
  forward(time: Tensor, pooled: Tensor, guidance?: Tensor): Tensor {
    const waves = (value: Tensor) => inDtype(this.waves.forward(value.float().mul(1000)), pooled.dtype);
    const vector = this.timestep_embedder.forward(waves(time)).add(this.text_embedder.forward(pooled));
    if (!this.guidance_embedder || !guidance) return vector;
    return vector.add(this.guidance_embedder.forward(waves(guidance)));
  }
}

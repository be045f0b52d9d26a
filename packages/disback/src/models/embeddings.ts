import { arange, buffer, cat, type Device, keep, Module, ops, type Tensor } from "@disback/torch";
import type { WeightSource } from "./weights.js";

/** An embedding of noise levels: `[N]` to `[N, channels]`. */
export interface NoiseEmbedding extends Module {
  forward(noise: Tensor): Tensor;
}

/** Which half comes first: sines in DDPM++ and NCSN++, cosines in ADM. */
export type WaveOrder = "sine-first" | "cosine-first";

export interface PositionalOptions {
  order: WaveOrder;
  /** longest wavelength divided by 2 pi, default 10000 */
  longest?: number;
  /** the last frequency is exactly 1 / longest (DDPM++), not one step short of it (ADM) */
  endpoint?: boolean;
  /**
   * compute frequencies as exp(-ln(longest) i / n), as diffusers does, not as powers of 1 / longest: float32 rounds
   * them differently, which matters at step 1000
   */
  exponential?: boolean;
}

/** Sines and cosines at fixed, geometrically spaced frequencies (Vaswani et al. 2017, section 3.5): DDPM++ and ADM. */
export class PositionalEmbedding extends Module implements NoiseEmbedding {
  private readonly options: Required<PositionalOptions>;

  constructor(
    readonly channels: number,
    options: PositionalOptions,
  ) {
    super();
    this.options = { longest: 10000, endpoint: false, exponential: false, ...options };
  }

  /** @param noise `[N]` @returns `[N, channels]` */
  forward(noise: Tensor): Tensor {
    const frequencies = positionalFrequencies(this.channels / 2, this.options, noise.device);
    return waves(phases(noise, frequencies), this.options.order);
  }
}

/** Sines and cosines at random, fixed frequencies (Tancik et al. 2020): NCSN++. The frequencies are saved. */
export class FourierEmbedding extends Module implements NoiseEmbedding {
  readonly freqs: Tensor;

  /** @param scale standard deviation of the frequencies, in cycles, default 16 */
  constructor(
    source: WeightSource,
    readonly channels: number,
    private readonly order: WaveOrder,
    scale = 16,
  ) {
    super();
    this.freqs = buffer(source.normal([channels / 2]).mul_(scale));
  }

  /** @param noise `[N]` @returns `[N, channels]` */
  forward(noise: Tensor): Tensor {
    return waves(phases(noise, this.freqs.mul(2 * Math.PI)), this.order);
  }
}

/** Every noise level times every frequency, `[N, frequencies]`. */
export function phases(noise: Tensor, frequencies: Tensor): Tensor {
  return ops.outer(noise, frequencies.dtype === noise.dtype ? frequencies : frequencies.to(noise.dtype));
}

/** Sines and cosines: `[N, F]` to `[N, 2F]`. */
export function waves(phase: Tensor, order: WaveOrder): Tensor {
  return cat(order === "sine-first" ? [phase.sin(), phase.cos()] : [phase.cos(), phase.sin()], 1);
}

// One small entry per embedding size and device. Always float32, whatever the network's dtype, because a phase reaches
// 1000 radians.
const known = new Map<string, Tensor>();

function positionalFrequencies(
  count: number,
  { longest, endpoint, exponential }: Required<PositionalOptions>,
  device: Device,
): Tensor {
  const name = `${count} ${longest} ${endpoint} ${exponential} ${device}`;
  let frequencies = known.get(name);
  if (!frequencies) {
    const steps = count - (endpoint ? 1 : 0);
    const indices = arange(0, count, 1, { dtype: "float32", device });
    frequencies = keep(
      exponential
        ? indices.mul(-Math.log(longest)).div(steps).exp()
        : ops.pow_Scalar(1 / longest, indices.div(steps)),
    );
    known.set(name, frequencies);
  }
  return frequencies;
}

// galaxygrad's score network (Sampson et al. 2024, an MLP-Mixer as in Tolstikhin et al. 2021) and its denoiser.
import { readFileSync } from "node:fs";
import {
  Conv2d,
  cat,
  LayerNorm,
  Linear,
  Module,
  ModuleList,
  noGrad,
  ops,
  parameter,
  randn,
} from "@disback/torch";
import { readArrays } from "./read-arrays.mjs";

/** Linear, ReLU, linear, over the last axis. */
class Mlp extends Module {
  constructor(size, hidden) {
    super();
    this.layers = new ModuleList([new Linear(size, hidden), new Linear(hidden, size)]);
  }

  forward(x) {
    return this.layers.at(1).forward(this.layers.at(0).forward(x).relu());
  }
}

/** Mixes a sample's patches with each other, then each patch's channels. `[N, channels, patches]` */
class MixerBlock extends Module {
  constructor({ channels, patches, hidden }) {
    super();
    this.patch_mixer = new Mlp(patches, hidden);
    this.hidden_mixer = new Mlp(channels, hidden);
    this.norm1 = new LayerNorm([channels, patches]);
    this.norm2 = new LayerNorm([patches, channels]);
  }

  forward(x) {
    const mixed = x.add(this.patch_mixer.forward(this.norm1.forward(x))).transpose(1, 2);
    return mixed.add(this.hidden_mixer.forward(this.norm2.forward(mixed))).transpose(1, 2);
  }
}

/** The score of noisy images at time t. The time is a second channel of the image. */
export class ScoreNet extends Module {
  /** @param side of the square images; `patch` must divide it */
  constructor({ side, channels = 64, hidden = 512, blocks = 4, patch = 4, endTime = 10 }) {
    super();
    const patches = (side / patch) ** 2;
    Object.assign(this, { patch, endTime });
    this.conv_in = new Conv2d(2, channels, patch, { stride: patch });
    const size = [channels, 1, patch, patch];
    this.conv_out = { weight: parameter(randn(size).mul(channels ** -0.5)), bias: parameter(randn([1])) };
    this.blocks = new ModuleList(
      Array.from({ length: blocks }, () => new MixerBlock({ channels, patches, hidden })),
    );
    this.norm = new LayerNorm([channels, patches]);
  }

  /** @param x `[N, 1, side, side]` @param t `[N]`, 0 to endTime */
  forward(x, t) {
    const features = this.features(x, t);
    const { weight, bias } = this.conv_out;
    const stride = [this.patch, this.patch];
    const normal = this.norm.forward(features.flatten(2)).reshape(features.shape);
    return ops.conv_transpose2d(normal, weight, bias, stride);
  }

  /** The patches after all blocks, at their places. @returns `[N, channels, side / patch, side / patch]` */
  features(x, t) {
    const time = t.div(this.endTime).reshape([-1, 1, 1, 1]).expand(x.shape);
    const embedded = this.conv_in.forward(cat([x, time], 1));
    let state = embedded.flatten(2);
    for (const block of this.blocks) state = block.forward(state);
    return state.reshape(embedded.shape);
  }
}

/**
 * The score of a variance-preserving process as a denoiser. With t = ln(1 + sigma^2), x_t = a (x_0 + sigma n) where
 * a = (1 + sigma^2)^(-1/2), and Tweedie's formula gives
 *
 *     D(x; sigma) = x + sigma^2 a score(a x, t)
 */
export class ScoreDenoiser extends Module {
  /** the network was trained for t from 1e-3 to 10 */
  sigmaMin = Math.sqrt(Math.expm1(1e-3));
  sigmaMax = Math.sqrt(Math.expm1(10));

  constructor(network) {
    super();
    this.network = network;
  }

  /** @param x `[N, 1, side, side]` @param sigma `[N]` */
  denoise(x, sigma) {
    const a = sigma.square().add(1).rsqrt();
    const score = this.network.forward(x.mul(a.reshape([-1, 1, 1, 1])), sigma.square().log1p());
    return x.add(score.mul(sigma.square().mul(a).reshape([-1, 1, 1, 1])));
  }

  /** What objectives with a discriminator see. @param x `[N, 1, side, side]` @param sigma `[N]` */
  features(x, sigma) {
    const a = sigma.square().add(1).rsqrt().reshape([-1, 1, 1, 1]);
    return this.network.features(x.mul(a), sigma.square().log1p());
  }
}

/** Reads a network that equinox saved: the arrays of its fields one after the other, the end time last. */
export function readScoreNet(file) {
  const arrays = readArrays(readFileSync(file), file);
  const [channels, , patch] = arrays[0].shape;
  const side = patch * Math.sqrt(arrays.at(-2).shape[1]);
  const [hidden, blocks] = [arrays[4].shape[0], (arrays.length - 7) / 12];
  const network = new ScoreNet({
    ...{ side, channels, hidden, blocks, patch, endTime: arrays.at(-1).item() },
  });
  noGrad(() => {
    // Equinox correlates where PyTorch convolves: inputs before outputs, and the kernel turned around.
    arrays[2] = arrays[2].transpose(0, 1).flip([2, 3]);
    network.parameters().forEach((weight, at) => {
      weight.copy_(arrays[at].reshape(weight.shape));
    });
  });
  return network;
}

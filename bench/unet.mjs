// A small denoising U-Net and its training step, written with @disback/torch's modules. training_step.py holds the
// same network for PyTorch, module by module in the same order, so that one seed gives both the same weights.
import { Adam, Conv2d, cat, GroupNorm, Linear, Module, ops, randn, scope, zeros } from "@disback/torch";

/** Sizes of the two networks measured: of one the operators' work dominates, of the other the calls. */
export const sizes = {
  small: { width: 32, resolution: 16, batch: 16, channels: 3 },
  tiny: { width: 16, resolution: 8, batch: 2, channels: 3 },
};

/** @throws Error naming the sizes there are */
export function sizeNamed(name) {
  if (Object.hasOwn(sizes, name)) return sizes[name];
  throw new Error(`--size ${name}: there are ${Object.keys(sizes).join(", ")}`);
}

/** Two convolutions with the noise level's embedding added between them, and a shortcut. */
class Block extends Module {
  constructor(inChannels, outChannels, embedding) {
    super();
    this.norm1 = new GroupNorm(8, inChannels);
    this.conv1 = new Conv2d(inChannels, outChannels, 3, { padding: 1 });
    this.embed = new Linear(embedding, outChannels);
    this.norm2 = new GroupNorm(8, outChannels);
    this.conv2 = new Conv2d(outChannels, outChannels, 3, { padding: 1 });
    this.shortcut = inChannels === outChannels ? null : new Conv2d(inChannels, outChannels, 1);
  }

  forward(input, embedding) {
    let hidden = this.conv1.forward(ops.silu(this.norm1.forward(input)));
    hidden = hidden.add(this.embed.forward(embedding).unsqueeze(-1).unsqueeze(-1));
    hidden = this.conv2.forward(ops.silu(this.norm2.forward(hidden)));
    return hidden.add(this.shortcut ? this.shortcut.forward(input) : input);
  }
}

/** Self-attention of one head over all pixels. */
class Attention extends Module {
  constructor(channels) {
    super();
    this.norm = new GroupNorm(8, channels);
    this.project = new Conv2d(channels, 3 * channels, 1);
    this.out = new Conv2d(channels, channels, 1);
  }

  forward(input) {
    const [batch, channels, height, width] = input.shape;
    const projected = this.project.forward(this.norm.forward(input)).reshape([batch, 3, channels, -1]);
    const [query, key, value] = projected.transpose(2, 3).unbind(1);
    const attended = ops.scaled_dot_product_attention(query, key, value).transpose(1, 2);
    return input.add(this.out.forward(attended.reshape([batch, channels, height, width])));
  }
}

export class UNet extends Module {
  constructor({ width, channels }) {
    super();
    this.embed1 = new Linear(1, 4 * width);
    this.embed2 = new Linear(4 * width, 4 * width);
    this.first = new Conv2d(channels, width, 3, { padding: 1 });
    this.down1 = new Block(width, width, 4 * width);
    this.halve = new Conv2d(width, 2 * width, 3, { padding: 1, stride: 2 });
    this.down2 = new Block(2 * width, 2 * width, 4 * width);
    this.attention = new Attention(2 * width);
    this.middle = new Block(2 * width, 2 * width, 4 * width);
    this.up2 = new Block(4 * width, 2 * width, 4 * width);
    this.up1 = new Block(3 * width, width, 4 * width);
    this.norm = new GroupNorm(8, width);
    this.last = new Conv2d(width, channels, 3, { padding: 1 });
  }

  /** @param input [N, C, H, W] @param level logarithm of the noise level [N, 1] @returns [N, C, H, W] */
  forward(input, level) {
    const embedding = ops.silu(this.embed2.forward(ops.silu(this.embed1.forward(level))));
    const high = this.down1.forward(this.first.forward(input), embedding);
    const low = this.down2.forward(this.halve.forward(high), embedding);
    let hidden = this.middle.forward(this.attention.forward(low), embedding);
    hidden = this.up2.forward(cat([hidden, low], 1), embedding);
    hidden = ops.upsample_nearest2d_vec(hidden, null, [2, 2]);
    hidden = this.up1.forward(cat([hidden, high], 1), embedding);
    return this.last.forward(ops.silu(this.norm.forward(hidden)));
  }
}

/** A network, its optimizer and data, with the default generator seeded beforehand. */
export class Training {
  constructor({ width, resolution, batch, channels }) {
    this.network = new UNet({ width, channels });
    this.optimizer = new Adam(this.network.parameters(), { lr: 1e-4 });
    this.images = randn([batch, channels, resolution, resolution]);
    this.loss = zeros([]);
  }

  /** One step: noise, forward, backward, Adam. The loss is computed, but nothing waits for it. */
  step() {
    scope(() => {
      const level = randn([this.images.size(0), 1]);
      const noise = randn(this.images.shape);
      const noisy = this.images.add(noise.mul(level.exp().unsqueeze(-1).unsqueeze(-1)));
      const loss = ops.mse_loss(this.network.forward(noisy, level), noise);
      this.optimizer.zeroGrad();
      loss.backward();
      this.optimizer.step();
      this.loss.copy_(loss.detach());
    });
  }

  dispose() {
    this.optimizer.dispose();
    this.network.dispose();
    this.images.dispose();
    this.loss.dispose();
  }
}

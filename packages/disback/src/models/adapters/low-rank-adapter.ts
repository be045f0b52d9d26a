import {
  computingDevice,
  type Generator,
  type LayerAdapter,
  Module,
  ops,
  parameter,
  randn,
  scope,
  type Tensor,
  zeros,
} from "@disback/torch";
import { inDtype } from "../network.js";

/**
 * A low-rank change of one layer (LoRA, Hu et al. 2021, eq. 3): `y = W x + up (down x)`. A convolution's `down` is a
 * convolution with the layer's kernel, its `up` a pointwise one. Both are float32, whatever the layer's precision.
 *
 * It may hold several changes, one behind the other, of which each sample takes its own: `y = W x + up (m * down x)` with a
 * mask m of zeros and ones.
 */
export class LowRankAdapter extends Module {
  /** `[rank, in]`; for a convolution `in` is `channels * height * width` of the kernel */
  readonly down: Tensor;
  /** `[out, rank]`, initially zeros, so that the adapted layer starts unchanged */
  readonly up: Tensor;

  /**
   * @param weight of the layer, `[out, in]` or `[out, channels, height, width]`
   * @param rank of one change, limited by the layer's own
   * @param changes how many there are; default 1
   */
  constructor(
    private readonly weight: Tensor,
    rank: number,
    generator: Generator,
    changes = 1,
  ) {
    super();
    const outputs = weight.shape[0]!;
    const inputs = weight.numel / outputs;
    const device = computingDevice(weight);
    const most = changes * Math.min(rank, outputs, inputs);
    this.down = parameter(randn([most, inputs], { generator }).div_(Math.sqrt(inputs)).to({ device }));
    this.up = parameter(zeros([outputs, most], { device }));
  }

  /** The layer's weight belongs to the layer. */
  override members(): [string, unknown][] {
    return [
      ["down", this.down],
      ["up", this.up],
    ];
  }

  get rank(): number {
    return this.down.shape[0]!;
  }

  /** What it adds to the layer's result. */
  readonly add: LayerAdapter = (apply) => this.added(apply);

  /** The same for samples that take one of several changes. @param mask `[N, rank]` */
  added(apply: Parameters<LayerAdapter>[0], mask?: Tensor): Tensor {
    return scope(() => {
      const { dtype } = this.weight;
      const { up, down } = this.factors();
      const all = apply(inDtype(down, dtype));
      const hidden = mask ? masked(all, mask, up.ndim === 2) : all;
      return up.ndim === 2 ? ops.linear(hidden, inDtype(up, dtype)) : ops.conv2d(hidden, inDtype(up, dtype));
    });
  }

  /** Both factors as weights of layers: `[rank, in]` and `[out, rank]`, or `[rank, in, h, w]` and `[out, rank, 1, 1]`. */
  factors(): { down: Tensor; up: Tensor } {
    const kernel = this.weight.shape.slice(1);
    if (kernel.length === 1) return { down: this.down, up: this.up };
    return { down: this.down.reshape([this.rank, ...kernel]), up: this.up.unsqueeze(2).unsqueeze(3) };
  }

  /** The change of the layer's weight, in its shape: `up down`. */
  change(): Tensor {
    return this.up.matmul(this.down).reshape(this.weight.shape);
  }

  /** The same change. A smaller rank takes its best approximation (Eckart and Young 1936). */
  approximateAdapter({ up, down }: LowRankAdapter): void {
    scope(() => {
      // The factors' triangles hold the change's singular values: QR of both, then a small SVD.
      const [left, leftTriangle] = ops.linalg_qr(up.detach());
      const [right, rightTriangle] = ops.linalg_qr(down.detach().t());
      const core = leftTriangle.matmul(rightTriangle.t());
      this.set(
        core,
        (u) => left.matmul(u),
        (v) => v.matmul(right.t()),
      );
    });
  }

  /** The best approximation of a change at this rank (Eckart and Young 1936). @param change in the weight's shape */
  approximate(change: Tensor): void {
    const same = (factor: Tensor) => factor;
    scope(() => this.set(change.float().flatten(1), same, same));
  }

  /** Takes the leading singular values of `core`, where the change is `left(core right)`. */
  private set(core: Tensor, left: (u: Tensor) => Tensor, right: (v: Tensor) => Tensor): void {
    this.up.detach().zero_();
    // A zero change has no directions, so the random ones stay.
    if (core.abs().max().item() === 0) return;
    const [u, singular, v] = ops.linalg_svd(core, false);
    const kept = Math.min(this.rank, singular.shape[0]!);
    const scaled = u.narrow(1, 0, kept).mul(singular.narrow(0, 0, kept));
    this.up.detach().narrow(1, 0, kept).copy_(left(scaled));
    this.down
      .detach()
      .narrow(0, 0, kept)
      .copy_(right(v.narrow(0, 0, kept)));
  }
}

/**
 * @param hidden `[N M, ..., rank]` of a linear layer, `[N M, rank, h, w]` of a convolution; of M rows for a sample
 * @param mask `[N, rank]`
 */
function masked(hidden: Tensor, mask: Tensor, isLinear: boolean): Tensor {
  const [samples, rank] = mask.shape as [number, number];
  const rows = hidden.shape[0]! / samples;
  const each = rows === 1 ? mask : ops.repeat_interleave(mask, rows, 0);
  const places = Array<number>(hidden.ndim - 2).fill(1);
  const shape = isLinear ? [-1, ...places, rank] : [-1, rank, ...places];
  return hidden.mul(inDtype(each.reshape(shape), hidden.dtype));
}

import { type Device, fromTypedArray, inferenceMode, scope, type Tensor, tensor } from "@disback/torch";
import { pillowResample } from "../data/images/pillow-resample.js";
import { DisbackError } from "../errors.js";
import type { Clip } from "../import/transformers/open-clip.js";
import { clipLength } from "../text/prompts/clip-length.js";
import { eightBitImages } from "./eight-bit-images.js";

/**
 * How well pictures fit their prompts: the mean of `100 max(cos(picture, prompt), 0)` over all pairs, the angle between
 * CLIP's vectors (Hessel et al. 2021, with the factor of torchmetrics, 100, in place of theirs, 2.5). Scores of
 * different CLIPs do not compare.
 */
export class ClipScore {
  private sum = 0;
  private pairs = 0;
  /** how many prompts were longer than CLIP reads */
  cut = 0;

  constructor(
    private readonly clip: Clip,
    private readonly device: Device = "cpu",
  ) {
    clip.text.to({ device });
    clip.vision.to({ device });
  }

  /** @param images `[N, 1 or 3, H, W]` in [-1, 1], squares @param prompts as many */
  add(images: Tensor, prompts: readonly string[]): void {
    if (prompts.length !== images.shape[0])
      throw new DisbackError(`CLIP score: ${images.shape[0]} pictures, but ${prompts.length} prompts`);
    inferenceMode(() =>
      scope(() => {
        const [seen, told] = [this.pictureVectors(images), this.promptVectors(prompts)];
        this.sum += seen.mul(told).sum([1]).clamp(0).sum().item();
        this.pairs += prompts.length;
      }),
    );
  }

  /** 0 to 100. @throws DisbackError if nothing was added */
  get score(): number {
    if (this.pairs === 0) throw new DisbackError("CLIP score: there are no pictures");
    return (100 * this.sum) / this.pairs;
  }

  /** Vectors of length 1, `[N, P]`. */
  pictureVectors(images: Tensor): Tensor {
    return scope(() => unit(this.clip.vision.forward(this.pixels(images))));
  }

  /** Vectors of length 1, `[N, P]`. */
  promptVectors(prompts: readonly string[]): Tensor {
    const { tokenizer, text } = this.clip;
    return scope(() => {
      const { ids, cut } = tokenizer.encode(prompts, { length: clipLength(tokenizer, text) });
      this.cut += cut.length;
      return unit(text.forward(ids.to({ device: this.device })).projected!);
    });
  }

  /** Brought to the encoder's size as Pillow does it, and normalized. */
  private pixels(images: Tensor): Tensor {
    const [count, channels, height, width] = images.shape as [number, number, number, number];
    if (height !== width || (channels !== 1 && channels !== 3))
      throw new DisbackError(
        `CLIP score: takes square pictures in grey or colour, not [${channels}, ${height}, ${width}]`,
      );
    const { imageResolution: side } = this.clip.vision.options;
    const bytes = eightBitImages(images.cpu()).to("uint8");
    const colour = (channels === 1 ? bytes.repeat([1, 3, 1, 1]) : bytes).permute([0, 2, 3, 1]).contiguous();
    const size = height * width * 3;
    const all = colour.bytes();
    const resized = new Uint8Array(count * side * side * 3);
    for (let row = 0; row < count; row++) {
      const own = all.subarray(row * size, (row + 1) * size);
      const made = height === side ? own : pillowResample(own, [height, side, 3], "bicubic");
      resized.set(made, row * side * side * 3);
    }
    const { mean, deviation } = this.clip;
    const perChannel = (values: readonly number[]) => tensor([...values]).reshape([1, 3, 1, 1]);
    return fromTypedArray(resized, [count, side, side, 3])
      .permute([0, 3, 1, 2])
      .float()
      .div(255)
      .sub(perChannel(mean))
      .div(perChannel(deviation))
      .to({ device: this.device });
  }
}

function unit(vectors: Tensor): Tensor {
  return vectors.div(vectors.square().sum([1], true).sqrt());
}

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  type Device,
  inferenceMode,
  loadTorchScript,
  scope,
  type Tensor,
  type TorchScriptModule,
  zeros,
} from "@disback/torch";
import { DisbackError } from "../errors.js";
import { eightBitImages } from "./eight-bit-images.js";
import type { FeatureExtractor } from "./feature-extractor.js";

/**
 * The user's own Inception network as TorchScript, with the interface of StyleGAN's and EDM's
 * `inception-2015-12-05.pt`: `forward(images, return_features=True)` with uint8 `[N, 3, H, W]` in 0..255 gives the
 * features (2048 there; the network itself resizes to 299x299); without that flag it gives class probabilities. With
 * this file the Frechet distance is the FID of the literature.
 */
export class TorchScriptInception implements FeatureExtractor {
  readonly name = "inception";
  readonly featureDim: number;
  readonly contentHash: string;
  /** Absent if the file's network has no such mode. */
  readonly probabilities?: (images: Tensor) => Tensor;
  private readonly network: TorchScriptModule;
  private readonly device: Device;

  /**
   * @param file path of the TorchScript file
   * @throws DisbackError when the file is missing, is no TorchScript, or cannot be called in this way
   */
  constructor(file: string, device: Device = "cpu") {
    this.device = device;
    this.contentHash = createHash("sha256").update(readOrFail(file)).digest("hex");
    try {
      this.network = loadTorchScript(file, device);
      this.featureDim = this.probe({ return_features: true });
    } catch (error) {
      throw new DisbackError(`${file}: not an Inception network in TorchScript: ${(error as Error).message}`);
    }
    // The Inception Score leaves the output layer's bias out, as in its original code.
    if (this.hasProbabilities())
      this.probabilities = (images) => this.forward(images, { no_output_bias: true });
  }

  /** @param images `[N, 1 or 3, H, W]` in [-1, 1]; grey is repeated to three channels */
  features(images: Tensor): Tensor {
    return this.forward(images, { return_features: true }).float();
  }

  private forward(images: Tensor, flags: Record<string, boolean>): Tensor {
    const channels = images.shape[1];
    if (channels !== 1 && channels !== 3) {
      throw new DisbackError(`Inception expects 1 or 3 channels, got images [${images.shape.join(", ")}]`);
    }
    return inferenceMode(() =>
      scope(() => {
        const pixels = eightBitImages(images).to("uint8").to(this.device);
        const colour = channels === 1 ? pixels.repeat([1, 3, 1, 1]) : pixels;
        return this.network.forward([colour], flags) as Tensor;
      }),
    );
  }

  /** Width of the output for one black image. */
  private probe(flags: Record<string, boolean>): number {
    return scope(() => {
      const output = this.forward(zeros([1, 3, 32, 32]), flags);
      if (output.ndim !== 2)
        throw new DisbackError(`its output has shape [${output.shape.join(", ")}], expected [N, F]`);
      return output.shape[1]!;
    });
  }

  private hasProbabilities(): boolean {
    try {
      return this.probe({ no_output_bias: true }) > 1;
    } catch {
      return false;
    }
  }
}

function readOrFail(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new DisbackError(`Cannot read the Inception network ${file}: ${(error as Error).message}`);
  }
}

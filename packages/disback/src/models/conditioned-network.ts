import type { DType, Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { type Condition, type ConditionShapes, describeCondition } from "./condition.js";
import { Network } from "./network.js";
import type { FluxTransformer } from "./transformers/flux/flux-transformer.js";
import type { Sd3Transformer } from "./transformers/sd3/sd3-transformer.js";
import type { WanTransformer } from "./transformers/wan/wan-transformer.js";
import type { UNet2DCondition, UNet2DConditionModel } from "./unet-2d-condition/unet-2d-condition.js";

/** Networks that are told a text. */
export type TextNetwork = UNet2DConditionModel | Sd3Transformer | FluxTransformer | WanTransformer;

/** A raw network that is told more than a class, as a denoiser holds it. Keys are those of the network inside. */
export class ConditionedNetwork extends Network {
  constructor(readonly network: TextNetwork) {
    super();
  }

  override members(): [string, unknown][] {
    return this.network.members();
  }

  get dtype(): DType {
    return this.network.dtype;
  }

  /** @throws DisbackError always: it has to be told a text, by `forwardTold` */
  forward(): Tensor {
    throw new DisbackError("condition: this network has to be told a text");
  }

  /** As `forward`. */
  features(): Tensor {
    return this.forward();
  }

  /** @param x `[N, C, H, W]`, or clips `[N, C, T, H, W]` @param noise step or time, `[N]` or `[1]` @param condition as `toldTo` gives it */
  forwardTold(x: Tensor, noise: Tensor, condition: Condition): Tensor {
    return this.network.forward(x, noise, condition as unknown as UNet2DCondition);
  }

  /** The network's narrowest place; parameters as of `forwardTold`. */
  featuresTold(x: Tensor, noise: Tensor, condition: Condition): Tensor {
    return this.network.features(x, noise, condition as unknown as UNet2DCondition);
  }

  /** The same at several depths. */
  layerFeaturesTold(x: Tensor, noise: Tensor, condition: Condition): Tensor[] {
    return this.network.layerFeatures(x, noise, condition as unknown as UNet2DCondition);
  }
}

/** Parts of a condition that may be left out. */
const optional = new Set(["textMask"]);

/**
 * The condition as a network takes it: every part has as many rows as the samples.
 * @param shapes of what the model is told
 * @throws DisbackError naming the part that is missing, unknown or of another shape
 */
export function toldTo(shapes: ConditionShapes, condition: Condition | undefined, x: Tensor): Condition {
  const rows = x.shape[0]!;
  const told: Record<string, Tensor> = {};
  for (const [name, tensor] of Object.entries(condition ?? {})) {
    const shape = shapes[name];
    if (!shape) {
      throw new DisbackError(`condition: this denoiser is told ${describeCondition(shapes)}, not "${name}"`);
    }
    const [given, ...rest] = tensor.shape;
    // Texts may be of any length.
    const fits =
      rest.length === shape.length && rest.every((size, at) => size === shape[at] || isLength(name, at));
    if (!fits || (given !== 1 && given !== rows)) {
      const expected = [rows, ...shape].join(", ");
      throw new DisbackError(`condition: expected ${name} [${expected}], got [${tensor.shape.join(", ")}]`);
    }
    told[name] = given === rows ? tensor : tensor.expand([rows, ...rest]);
  }
  const missing = Object.keys(shapes).find((name) => !told[name] && !optional.has(name));
  if (missing !== undefined) throw new DisbackError(`condition: "${missing}" is missing`);
  return told;
}

function isLength(name: string, at: number): boolean {
  return at === 0 && (name === "text" || name === "textMask");
}

import { type DType, full, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { LowRankDenoiser } from "../../models/adapters/low-rank-denoiser.js";
import { ConditionedNetwork } from "../../models/conditioned-network.js";
import { PreconditionedDenoiser } from "../../models/preconditioning/preconditioned.js";
import { UNet2DConditionModel } from "../../models/unet-2d-condition/unet-2d-condition.js";

/** The part of a pipeline that adapters are for, as diffusers calls it. */
export type PipelinePart = "unet" | "transformer";

/** Prefix of the network's keys in a denoiser. */
const network = "model.";

/** @throws DisbackError unless the adapters are on a network of a text-to-image pipeline */
export function pipelinePart({ base }: LowRankDenoiser): PipelinePart {
  const model = base instanceof PreconditionedDenoiser ? base.model : undefined;
  if (!(model instanceof ConditionedNetwork))
    throw new DisbackError(
      "--format lora: only for networks of diffusers that draw from text: other tools cannot load these adapters",
    );
  return model.network instanceof UNet2DConditionModel ? "unet" : "transformer";
}

/**
 * Adapters as diffusers' `load_lora_weights` reads them: `unet.<layer>.lora_A.weight` is `down`, `lora_B` is `up`. There is
 * no alpha, which means that the change is `up down`.
 */
export function diffusersTensors(adapters: LowRankDenoiser, dtype: DType): Map<string, Tensor> {
  const part = pipelinePart(adapters);
  const tensors = new Map<string, Tensor>();
  for (const [layer, { up, down }] of layersOf(adapters, dtype)) {
    tensors.set(`${part}.${layer}.lora_A.weight`, down);
    tensors.set(`${part}.${layer}.lora_B.weight`, up);
  }
  return tensors;
}

/**
 * Adapters of a U-Net as kohya's scripts name them, which ComfyUI and others read: `lora_unet_<layer>.lora_down.weight`
 * with the layer's name joined by "_", `lora_up`, and an alpha equal to the rank.
 */
export function kohyaTensors(adapters: LowRankDenoiser, dtype: DType): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  for (const [layer, { up, down }] of layersOf(adapters, dtype)) {
    const name = `lora_unet_${layer.replaceAll(".", "_")}`;
    tensors.set(`${name}.lora_down.weight`, down);
    tensors.set(`${name}.lora_up.weight`, up);
    tensors.set(`${name}.alpha`, full([], up.shape[1]!, { dtype }));
  }
  return tensors;
}

/** Layers by the network's keys, with both factors in the layer's shape. */
function layersOf(adapters: LowRankDenoiser, dtype: DType): [string, { up: Tensor; down: Tensor }][] {
  return Object.entries(adapters.adapters).map(([key, adapter]) => {
    const { up, down } = adapter.factors();
    return [
      key.startsWith(network) ? key.slice(network.length) : key,
      { up: up.detach().to(dtype), down: down.detach().to(dtype) },
    ];
  });
}

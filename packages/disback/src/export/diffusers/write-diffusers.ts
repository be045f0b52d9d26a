import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { noGrad, scope, writeSafetensors } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import type { DenoiserConfig } from "../../models/config.js";
import { halved } from "../../models/model-folder.js";
import type { PreconditionedDenoiser } from "../../models/preconditioning/preconditioned.js";
import { schedulerConfig } from "./scheduler-config.js";
import { unet2DConfig } from "./unet-2d-config.js";

/** Place of the network's weights in the folder. */
export const weightsPath = "unet/diffusion_pytorch_model.safetensors";

/**
 * Writes a pipeline's folder as diffusers' `save_pretrained` does: `model_index.json`, `unet/`, `scheduler/`.
 * @param folder is made
 * @throws DisbackError if diffusers has no such network or no scheduler with its levels
 */
export function writeDiffusersFolder(
  folder: string,
  denoiser: PreconditionedDenoiser,
  config: DenoiserConfig,
  precision: "f32" | "f16" = "f32",
): void {
  if (config.network !== "unet-2d") {
    throw new DisbackError(
      `--format diffusers: only diffusers' networks (unet-2d) can be written, not ${config.network}`,
    );
  }
  const files: [path: string, content: Readonly<Record<string, unknown>>][] = [
    ["unet/config.json", unet2DConfig(config)],
    ["scheduler/scheduler_config.json", schedulerConfig(config)],
    ["model_index.json", pipeline],
  ];
  for (const part of ["unet", "scheduler"]) mkdirSync(join(folder, part), { recursive: true });
  scope(() => {
    const state = denoiser.model.stateDict();
    const stored = precision === "f16" ? noGrad(() => halved(state)) : state;
    writeSafetensors(join(folder, weightsPath), stored, { format: "pt" });
  });
  for (const [path, content] of files) {
    writeFileSync(join(folder, path), `${JSON.stringify(content, null, 2)}\n`);
  }
}

const pipeline = {
  _class_name: "DDPMPipeline",
  _diffusers_version: "0.42.0",
  scheduler: ["diffusers", "DDPMScheduler"],
  unet: ["diffusers", "UNet2DModel"],
};

import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { noGrad, scope, TorchError, writeSafetensors } from "@disback/torch";
import type { Student } from "../../distill/student.js";
import { DisbackError } from "../../errors.js";
import type { LowRankDenoiser } from "../../models/adapters/low-rank-denoiser.js";
import { diffusersFile, instructions, kohyaFile } from "./instructions.js";
import { diffusersTensors, kohyaTensors, pipelinePart } from "./lora-tensors.js";

export interface LoraOptions {
  /** default f32 */
  precision?: "f32" | "f16" | undefined;
  /** whose noise levels the instructions name */
  student?: Student | undefined;
  /** the scale that Flux is told, for the instructions */
  embeddedGuidance?: number | undefined;
}

/**
 * Writes adapters as LoRA files that other tools load: a folder with `pytorch_lora_weights.safetensors` for diffusers, for
 * U-Nets also `lora-kohya.safetensors` for ComfyUI and others, and `README.md` with the settings to use.
 * @param folder must not exist yet
 * @returns size of the file for diffusers in bytes
 * @throws DisbackError if the adapters are not on a text-to-image network of diffusers, or naming the file
 */
export function writeLora(
  folder: string,
  adapters: LowRankDenoiser,
  { precision = "f32", student, embeddedGuidance }: LoraOptions = {},
): { bytes: number; layers: number } {
  const part = pipelinePart(adapters);
  const dtype = precision === "f16" ? "float16" : "float32";
  const path = join(folder, diffusersFile);
  mkdirSync(folder, { recursive: true });
  try {
    noGrad(() =>
      scope(() => {
        writeSafetensors(path, diffusersTensors(adapters, dtype), { format: "pt" });
        if (part === "unet")
          writeSafetensors(join(folder, kohyaFile), kohyaTensors(adapters, dtype), {
            format: "pt",
            ss_network_dim: String(adapters.rank),
            ss_network_alpha: String(adapters.rank),
            ss_network_module: "networks.lora",
          });
      }),
    );
  } catch (error) {
    if (error instanceof TorchError) throw new DisbackError(error.message);
    throw error;
  }
  writeFileSync(join(folder, "README.md"), instructions(adapters, part, { student, embeddedGuidance }));
  return { bytes: statSync(path).size, layers: Object.keys(adapters.adapters).length };
}

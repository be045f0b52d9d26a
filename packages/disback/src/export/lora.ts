import { DisbackError } from "../errors.js";
import { LowRankDenoiser } from "../models/adapters/low-rank-denoiser.js";
import { fileSize } from "./file-size.js";
import { type ExportFormat, requirePrecision } from "./format.js";
import { writeLora } from "./lora/write-lora.js";

/** A student's adapters, without their base. */
export const lora: ExportFormat = {
  description: "LoRA files for diffusers, ComfyUI and others",
  write({ module, student, embeddedGuidance }, path, { precision }) {
    if (!(module instanceof LowRankDenoiser))
      throw new DisbackError("--format lora: this model has no adapters; train with --rank");
    requirePrecision(precision, ["f32", "f16"], "LoRA files are");
    const { bytes, layers } = writeLora(path, module, { precision, student, embeddedGuidance });
    return {
      facts: [
        ["layers", String(layers)],
        ["rank", String(module.rank)],
        ["size", fileSize(bytes)],
      ],
      figures: { bytes, layers, rank: module.rank },
    };
  },
};

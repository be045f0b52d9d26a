import { diffusers } from "./diffusers.js";
import { edm } from "./edm.js";
import type { ExportFormat } from "./format.js";
import { lora } from "./lora.js";
import { onnx } from "./onnx.js";
import { safetensors } from "./safetensors.js";
import { web } from "./web.js";

/** All formats by name. */
export const exportFormats: Readonly<Record<ExportFormatName, ExportFormat>> = {
  safetensors,
  edm,
  diffusers,
  onnx,
  web,
  lora,
};

export type ExportFormatName = "safetensors" | "edm" | "diffusers" | "onnx" | "web" | "lora";

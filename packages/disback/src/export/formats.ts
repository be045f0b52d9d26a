import type { ExportFormat } from "./format.js";
import { onnx } from "./onnx.js";
import { safetensors } from "./safetensors.js";

/** All formats by name. */
export const exportFormats: Readonly<Record<ExportFormatName, ExportFormat>> = { safetensors, onnx };

export type ExportFormatName = "safetensors" | "onnx";

import type { ExportableModel } from "./exportable.js";
import type { Precision } from "./onnx/export-onnx.js";

/** What some formats want to know. */
export interface FormatOptions {
  /** of the network, for formats of ONNX */
  precision: Precision;
  /** CPU threads for a check of what was written */
  threads?: number;
  /** of a page: WebGPU's runtime too; for large models only when not given */
  webgpu?: boolean;
  /** where the user wants it, for messages */
  out?: string;
}

/** What was written: facts for people in the order they are shown, figures for programs. */
export interface ExportReport {
  facts: readonly (readonly [name: string, value: string])[];
  figures: Readonly<Record<string, number>>;
}

/** A format that models are exported to. */
export interface ExportFormat {
  description: string;
  /**
   * Writes a model, and checks it where there is a way to.
   * @param path of the file or folder to be made, nothing being there yet
   * @throws DisbackError if the model cannot be written in this format
   */
  write(model: ExportableModel, path: string, options: FormatOptions): ExportReport | Promise<ExportReport>;
}

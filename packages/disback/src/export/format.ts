import { DisbackError } from "../errors.js";
import type { ExportableModel } from "./exportable.js";
import type { Precision } from "./onnx/export-onnx.js";

/** Options of formats. */
export interface FormatOptions {
  /** precision of the network, for ONNX, diffusers and LoRAs */
  precision: Precision;
  /** CPU threads for checking the output */
  threads?: number;
  /** web: include WebGPU's runtime; default only for large models */
  webgpu?: boolean;
  /** told what is being done, which may take long */
  onPart?: (what: string) => void;
  /** onnx: more bytes of weights than this lie in a second file; default 2 GiB, what one file can hold */
  largestFile?: number;
  /** output path, for messages */
  out?: string;
}

/** The result: facts in display order, figures for programs. */
export interface ExportReport {
  facts: readonly (readonly [name: string, value: string])[];
  figures: Readonly<Record<string, number>>;
}

/** A format that models are exported to. */
export interface ExportFormat {
  description: string;
  /**
   * Writes a model, and checks it if possible. @param path output file or folder; must not exist yet
   * @throws DisbackError if the model cannot be written in this format
   */
  write(model: ExportableModel, path: string, options: FormatOptions): ExportReport | Promise<ExportReport>;
}

/**
 * @param given the precision asked for @param known those of the format @param what the format, with its verb
 * @throws DisbackError if the format has no such precision
 */
export function requirePrecision<Known extends Precision>(
  given: Precision,
  known: readonly Known[],
  what: string,
): asserts given is Known {
  if (known.includes(given as Known)) return;
  const advice = known.length > 1 ? "use one of these" : "leave it out";
  throw new DisbackError(`--precision ${given}: ${what} ${known.join(" or ")}; ${advice}`);
}

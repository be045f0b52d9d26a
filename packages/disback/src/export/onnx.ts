import { writeFileSync } from "node:fs";
import type { ExportableModel } from "./exportable.js";
import { fileSize } from "./file-size.js";
import type { ExportFormat, ExportReport, FormatOptions } from "./format.js";
import { checkOnnx } from "./onnx/check.js";
import { exportOnnx } from "./onnx/export-onnx.js";

/** One file for ONNX Runtime, compared with the original before it is written. */
export const onnx: ExportFormat = {
  description: "one file for ONNX Runtime",
  write: writeOnnx,
};

/** Writes and checks an ONNX file. */
export async function writeOnnx(
  model: ExportableModel,
  path: string,
  options: FormatOptions,
): Promise<ExportReport> {
  const who = model.student ? "the student" : "the teacher";
  options.onPart?.(`writing ${who} as ONNX`);
  const bytes = exportOnnx(model, options.precision);
  options.onPart?.(`comparing ${who} with libtorch`);
  const { difference, rate, torchRate } = await checkOnnx(bytes, model, options);
  writeFileSync(path, bytes);
  const perSecond = (value: number) => `${value.toPrecision(3)} evaluations per second`;
  return {
    facts: [
      ["precision", options.precision],
      ["size", fileSize(bytes.byteLength)],
      ["differs by", `${difference.toPrecision(2)} largest difference from libtorch's samples`],
      ["ONNX Runtime", perSecond(rate)],
      ["libtorch", perSecond(torchRate)],
    ],
    figures: { bytes: bytes.byteLength, difference, rate, torchRate },
  };
}

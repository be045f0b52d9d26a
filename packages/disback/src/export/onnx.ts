import { writeFileSync } from "node:fs";
import { basename } from "node:path";
import { decoderModel } from "./decoder-model.js";
import type { ExportableModel } from "./exportable.js";
import { fileSize } from "./file-size.js";
import type { ExportFormat, ExportReport, FormatOptions } from "./format.js";
import { checkOnnx } from "./onnx/check.js";
import { onnxModel } from "./onnx/export-onnx.js";
import { largestInOneFile } from "./onnx/write-model.js";
import { writeParts } from "./write-parts.js";

/** One file for ONNX Runtime, and a second one with the weights if they are too large for one; compared with the original. */
export const onnx: ExportFormat = {
  description: "a file for ONNX Runtime",
  write: writeOnnx,
};

/**
 * Writes and checks an ONNX file. A teacher of latents has its decoder beside it, in `NAME.decoder.onnx`. Beyond `largestFile` bytes, the weights lie beside it in
 * `NAME.onnx.data`.
 */
export async function writeOnnx(
  model: ExportableModel,
  path: string,
  options: FormatOptions,
): Promise<ExportReport> {
  const report = await writeNetwork(model, path, options);
  const { decoder, student, facts } = model;
  if (!decoder || student) return report;
  const place = path.replace(/(\.onnx)?$/, ".decoder.onnx");
  const { figures } = await writeNetwork(decoderModel(decoder, facts.sampleShape), place, {
    ...options,
    precision: "f32",
  });
  const size = fileSize(figures.bytes!);
  return {
    facts: [...report.facts, ["decoder", `${size} in ${basename(place)}: makes images of its latents`]],
    figures: { ...report.figures, decoderBytes: figures.bytes! },
  };
}

async function writeNetwork(
  model: ExportableModel,
  path: string,
  options: FormatOptions,
): Promise<ExportReport> {
  const who = model.student ? "the student" : "the network";
  options.onPart?.(`writing ${who} as ONNX`);
  const bytes = writeFiles(model, path, options);
  options.onPart?.(`comparing ${who} with libtorch`);
  const { difference, rate, torchRate } = await checkOnnx(path, model, options);
  const perSecond = (value: number) => `${value.toPrecision(3)} evaluations per second`;
  return {
    facts: [
      ["precision", options.precision],
      ["size", bytes.data === 0 ? fileSize(bytes.model) : inTwo(bytes, basename(path))],
      ["differs by", `${difference.toPrecision(2)} largest difference from libtorch's samples`],
      ["ONNX Runtime", perSecond(rate)],
      ["libtorch", perSecond(torchRate)],
    ],
    figures: { bytes: bytes.model + bytes.data, difference, rate, torchRate },
  };
}

/** Nothing of the model is kept: a large one's weights leave memory before it is checked. @returns bytes of the files */
function writeFiles(
  model: ExportableModel,
  path: string,
  { precision, largestFile = largestInOneFile }: FormatOptions,
): { model: number; data: number } {
  const written = onnxModel(model, precision);
  if (written.size <= largestFile) {
    const bytes = written.encode();
    writeFileSync(path, bytes);
    return { model: bytes.byteLength, data: 0 };
  }
  const { model: graph, data } = written.encodeApart(`${basename(path)}.data`);
  writeFileSync(path, graph);
  return { model: graph.byteLength, data: writeParts(`${path}.data`, data) };
}

function inTwo(bytes: { model: number; data: number }, name: string): string {
  return `${fileSize(bytes.model)}, and ${fileSize(bytes.data)} of weights in ${name}.data, which must stay beside it`;
}

import { statSync } from "node:fs";
import { DenoiserStudent } from "../distill/denoiser-student.js";
import { writeEdmPickle } from "./edm/write-edm.js";
import { configOf, denoiserOf } from "./exportable.js";
import { fileSize } from "./file-size.js";
import { type ExportFormat, requirePrecision } from "./format.js";

/** A network pickle for the tools of NVlabs/edm. */
export const edm: ExportFormat = {
  description: "a network pickle for NVlabs/edm",
  write(model, path, { precision }) {
    requirePrecision(precision, ["f32"], "a pickle for NVlabs/edm is");
    writeEdmPickle(path, denoiserOf(model, "edm"), configOf(model, "edm"));
    const { size } = statSync(path);
    const student = model.student instanceof DenoiserStudent ? model.student : undefined;
    const sigmas = student ? [student.sigmaInit, ...student.laterSigmas] : [];
    return {
      facts: [
        ["network", 'under "ema", for generate.py and others of NVlabs/edm'],
        ...(student ? [["noise levels", `its steps are made at sigma ${sigmas.join(", ")}`] as const] : []),
        ["size", fileSize(size)],
      ],
      figures: { bytes: size, ...(student ? { sigmaInit: student.sigmaInit } : {}) },
    };
  },
};

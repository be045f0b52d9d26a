import { statSync } from "node:fs";
import type { PreconditionedDenoiser } from "../models/preconditioning/preconditioned.js";
import { writeEdmPickle } from "./edm/write-edm.js";
import { configOf } from "./exportable.js";
import { fileSize } from "./file-size.js";
import type { ExportFormat } from "./format.js";

/** A network pickle for the tools of NVlabs/edm. */
export const edm: ExportFormat = {
  description: "a network pickle for NVlabs/edm",
  write(model, path) {
    const { denoiser, student } = model;
    writeEdmPickle(path, denoiser as PreconditionedDenoiser, configOf(model, "edm"));
    const { size } = statSync(path);
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

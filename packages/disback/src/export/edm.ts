import { statSync } from "node:fs";
import { writeEdmPickle } from "./edm/write-edm.js";
import { fileSize } from "./file-size.js";
import type { ExportFormat } from "./format.js";

/** A network pickle for the tools of NVlabs/edm. */
export const edm: ExportFormat = {
  description: "a network pickle for NVlabs/edm",
  write({ denoiser, config, generator }, path) {
    writeEdmPickle(path, denoiser, config);
    const { size } = statSync(path);
    const sigmas = generator ? [generator.sigmaInit, ...generator.laterSigmas] : [];
    return {
      facts: [
        ["network", 'under "ema", for generate.py and others of NVlabs/edm'],
        ...(generator ? [["noise levels", `its steps are made at sigma ${sigmas.join(", ")}`] as const] : []),
        ["size", fileSize(size)],
      ],
      figures: { bytes: size, ...(generator ? { sigmaInit: generator.sigmaInit } : {}) },
    };
  },
};

import { statSync } from "node:fs";
import { TorchError, writeSafetensors } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { withBase } from "../models/tasks/adapters-storage.js";
import { TaskAdapters } from "../models/tasks/task-adapters.js";
import { fileSize } from "./file-size.js";
import { type ExportFormat, requirePrecision } from "./format.js";

/** The weights in one file, under PyTorch's keys: those of NVlabs/edm or diffusers, as the network has them. */
export const safetensors: ExportFormat = {
  description: "weights in one file, with PyTorch's keys",
  write({ module }, path, { precision }) {
    requirePrecision(precision, ["f32"], "a file of weights is");
    const state = (module instanceof TaskAdapters ? withBase(module) : module).stateDict();
    try {
      writeSafetensors(path, state, { format: "pt" });
    } catch (error) {
      if (error instanceof TorchError) throw new DisbackError(error.message);
      throw error;
    }
    const { size } = statSync(path);
    return {
      facts: [
        ["tensors", String(state.size)],
        ["size", fileSize(size)],
      ],
      figures: { bytes: size },
    };
  },
};

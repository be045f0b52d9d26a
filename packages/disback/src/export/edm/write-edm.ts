import { noGrad, type Tensor } from "@disback/torch";
import type { DenoiserConfig } from "../../models/config.js";
import type { DenoiserModule } from "../../models/denoiser.js";
import { edmConstruction } from "./arguments.js";
import { type Picklable, PickledBytes, PickledCall, writePickle } from "./pickle-writer.js";

/**
 * Writes a network for NVlabs/edm's tools: a pickle whose "ema" is one of their persistent objects. Their pickles
 * contain the source code of a class. Ours contains the few lines below, which make an object of the original class
 * from its arguments and weights. Loading gives an original network; saved again, it is an ordinary pickle of theirs.
 * @throws DisbackError if NVlabs/edm has no such network
 */
export function writeEdmPickle(path: string, denoiser: DenoiserModule, config: DenoiserConfig): void {
  const { className, arguments: given } = edmConstruction(config);
  const weights = new Map([...denoiser.stateDict()].map(([key, tensor]) => [key, weight(tensor)]));
  const object = new Map<string, Picklable>([
    ["type", "class"],
    ["version", 6],
    ["module_src", source(className)],
    ["class_name", className],
    ["state", new Map<string, Picklable>([...([["arguments", given]] as const), ["weights", weights]])],
  ]);
  const reconstruct = new PickledCall("torch_utils.persistence", "_reconstruct_persistent_obj", object);
  writePickle(path, new Map([["ema", reconstruct]]));
}

/** Shape and numbers, float32, row by row. */
function weight(tensor: Tensor): Picklable {
  const bytes = new PickledBytes(4 * tensor.numel, () => noGrad(() => tensor.detach().to("float32").bytes()));
  return [tensor.shape, bytes];
}

/** Python that NVlabs/edm's persistence runs when the pickle is loaded. */
function source(className: string): string {
  return `# Written by disback; needs NVlabs/edm on Python's path.
import numpy
import torch
from training import networks


class ${className}(networks.${className}):
    def __setstate__(self, state):
        self.__class__ = networks.${className}
        self.__init__(**state["arguments"])
        self.load_state_dict({
            key: torch.from_numpy(numpy.frombuffer(numbers, "<f4").reshape(shape).copy())
            for key, (shape, numbers) in state["weights"].items()
        })
        self.eval().requires_grad_(False)
`;
}

import { DisbackError } from "../../errors.js";
import { type Autoencoder, buildAutoencoder } from "../../models/autoencoder/autoencoder.js";
import { parseAutoencoderConfig } from "../../models/autoencoder/autoencoder-config.js";
import { noWeights } from "../../models/weights.js";
import { autoencoderClasses, describeAutoencoder } from "../diffusers/autoencoder.js";
import { presentKey } from "../diffusers/present-key.js";
import { shown } from "../pickle/text-values.js";
import { adoptTensors } from "../tensors/adopt.js";
import { openComponentTensors } from "../tensors/component-tensors.js";
import { forInference } from "./open-network.js";
import { configured, type PipelinePart } from "./pipeline-folder.js";

/**
 * Opens a pipeline's autoencoder, large or tiny; in evaluation mode, frozen, and in float32 for every file: SDXL's
 * leaves float16's range.
 * @throws DisbackError naming the file and field, or the file and key
 */
export async function openPipelineAutoencoder(part: PipelinePart, variant?: string): Promise<Autoencoder> {
  const given = configured(part);
  if (!autoencoderClasses.includes(part.className))
    throw new DisbackError(
      `${given.configPath}: ${shown(part.className)} is not known; ${autoencoderClasses.join(", ")} are`,
    );
  const config = parseAutoencoderConfig(describeAutoencoder(given), given.configPath);
  const autoencoder = buildAutoencoder(config, noWeights);
  const { tensors, path } = await openComponentTensors(part.folder, "diffusers", variant);
  adoptTensors(autoencoder, tensors, { path, rename: presentKey });
  if (autoencoder.parameters()[0]!.dtype !== "float32") autoencoder.to({ dtype: "float32" });
  return forInference(autoencoder);
}

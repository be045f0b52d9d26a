import { DisbackError } from "../../errors.js";
import type { Autoencoder } from "../../models/autoencoder/autoencoder.js";
import { buildAutoencoder } from "../../models/autoencoder/autoencoder.js";
import { parseAutoencoderConfig } from "../../models/autoencoder/autoencoder-config.js";
import { blankWeights } from "../../models/weights.js";
import { PersistentObject } from "../edm/persistent-object.js";
import { NumpyArray } from "../pickle/numpy-values.js";
import { shown } from "../pickle/text-values.js";
import type { PickleValue } from "../pickle/values.js";
import { readAutoencoder } from "../read-autoencoder.js";

type Fail = (problem: string) => never;

/**
 * The autoencoder of an EDM2 snapshot, by its `encoder`: none for `StandardRGBEncoder`; for `StabilityVAEEncoder`,
 * whose weights are not in the file, the given one with the snapshot's scale and bias of latents. @param folder folder
 * of the autoencoder, if given
 * @throws DisbackError naming what is missing
 */
export async function edm2Autoencoder(
  encoder: PickleValue | undefined,
  folder: string | undefined,
  fail: Fail,
): Promise<Autoencoder | undefined> {
  const className = encoder instanceof PersistentObject ? encoder.className : undefined;
  if (encoder === undefined || encoder === null || className === "StandardRGBEncoder") {
    if (folder !== undefined) fail("its samples are images, so --autoencoder has no effect");
    return undefined;
  }
  if (!(encoder instanceof PersistentObject) || className !== "StabilityVAEEncoder") {
    return fail(
      `"encoder" is ${shown(className ?? "unknown")}: disback knows StandardRGBEncoder and StabilityVAEEncoder`,
    );
  }
  const { state } = encoder;
  const name = state.get("vae_name");
  if (folder === undefined) {
    return fail(
      `its samples are latents of ${shown(typeof name === "string" ? name : "an autoencoder")}, which is not in the file: ` +
        "give its folder with --autoencoder",
    );
  }
  const scale = floats(state.get("scale"), "scale", fail);
  const bias = floats(state.get("bias"), "bias", fail);
  const autoencoder = await readAutoencoder(folder);
  if (autoencoder.config.autoencoder === "tiny")
    throw new DisbackError(
      `${folder}: EDM2's latents are those of an AutoencoderKL, not of an AutoencoderTiny`,
    );
  const config = parseAutoencoderConfig(
    {
      ...autoencoder.config,
      // EDM2 gives it images in [0, 1], and latents are z * scale + bias.
      imageRange: "unit",
      scalingFactor: scale,
      shiftFactor: scale.map((factor, channel) => -bias[channel]! / factor),
    },
    folder,
  );
  const scaled = buildAutoencoder(config, blankWeights);
  scaled.loadStateDict(autoencoder.stateDict());
  autoencoder.dispose();
  scaled.eval().requiresGrad_(false);
  return scaled;
}

function floats(value: PickleValue | undefined, field: string, fail: Fail): number[] {
  if (!(value instanceof NumpyArray) || value.type.kind !== "f4" || value.type.bigEndian) {
    return fail(`"encoder.${field}" is no array of float32`);
  }
  const view = new DataView(value.bytes.buffer, value.bytes.byteOffset, value.bytes.byteLength);
  return Array.from({ length: value.bytes.length / 4 }, (_, index) => view.getFloat32(4 * index, true));
}

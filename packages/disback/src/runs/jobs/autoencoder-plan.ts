import type { Device } from "@disback/torch";
import { someSamples } from "../../data/some-samples.js";
import { SamplePool } from "../../distill/sample-pool.js";
import { DisbackError } from "../../errors.js";
import type { PictureAutoencoder } from "../../models/autoencoder/picture-autoencoder.js";
import { saveAutoencoder } from "../../models/autoencoder/storage.js";
import { asTheyAre } from "../../models/sample-codec.js";
import { MEASURED_PICTURES, untrainedAutoencoder } from "../../teacher/train-autoencoder.js";
import { VariationalFit } from "../../teacher/variational-fit.js";
import type { TeacherSettings } from "../settings/teacher.js";
import { openAt, type TeacherPlan, type TeacherPlanning, withUsual } from "./teacher-plan.js";

/** Pictures whose reconstructions are shown and judged, at most. */
const SHOWN_PICTURES = 2000;

/**
 * An autoencoder for latent models, trained on pictures. What it shows are pictures of the data and their reconstructions.
 * @throws DisbackError naming the setting or the data that do not fit
 */
export async function planAutoencoder(
  given: TeacherSettings,
  { klWeight, ...sizes }: NonNullable<TeacherSettings["vae"]>,
  planning: TeacherPlanning,
): Promise<TeacherPlan> {
  const { conditional, captions, autoencoder, model } = given;
  const unfit = Object.entries({ conditional, captions, autoencoder, model });
  for (const [name, value] of unfit)
    if (value) throw new DisbackError(`"${name}": has no effect on the training of an autoencoder ("vae")`);
  const dataset = await openAt({ ...given, conditional: false }, undefined, planning);
  const { sampleShape } = dataset;
  if (sampleShape.length !== 3) throw new DisbackError(`"vae": ${dataset.name} holds no pictures`);
  const config = {
    ...{ autoencoder: "kl" as const, ...sizes, imageChannels: sampleShape[0]! },
    ...{ imageRange: "symmetric" as const, quantConvolution: true, postQuantConvolution: true },
  };
  const device = given.device as Device;
  const { samples } = await someSamples(dataset, SHOWN_PICTURES);
  const pictures = samples.to({ device });
  const shown = new SamplePool({ samples: pictures });
  const measured = pictures.narrow(0, 0, Math.min(pictures.shape[0]!, MEASURED_PICTURES));
  return {
    settings: withUsual({ ...given, conditional: false }, { iterations: 1000, batchSize: 16 }),
    ...{ codec: asTheyAre(sampleShape), dataset, fit: new VariationalFit(klWeight) },
    make(generator) {
      const module = untrainedAutoencoder(config, sampleShape, generator);
      return {
        ...{ module, facts: module.facts, codec: asTheyAre(sampleShape) },
        drawLatents: (count, random) => shown.draw(count, random).samples,
        save: (folder, trained) =>
          saveAutoencoder(folder, (trained as PictureAutoencoder).withUnitLatents(measured)),
      };
    },
  };
}

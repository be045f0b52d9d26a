import { join } from "node:path";
import { cat, type Device, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { type ReadTeacher, readTeacher } from "../../import/read-teacher.js";
import type { AutoencoderConfig } from "../../models/autoencoder/autoencoder-config.js";
import { autoencoderFolder } from "../../models/autoencoder/latent-codec.js";
import { saveAutoencoder } from "../../models/autoencoder/storage.js";
import { saveModel } from "../../models/config.js";
import { makeInPlace, refuseOccupied } from "../output-place.js";
import type { Progress } from "../progress.js";
import { openDrawer } from "../sample-drawer.js";

/** Options of an import. */
export interface TeacherImportOptions {
  /** output model folder */
  out: string;
  /** configuration of the network, for files with weights only */
  config?: string;
  /** key of the network, if the file holds several */
  ema?: string;
  /** folder of a latent model's autoencoder, if the file does not contain it */
  autoencoder?: string;
  /** samples to draw as a check; 0 for none */
  samples: number;
  /** sampler steps per sample */
  steps: number;
  seed: number;
  device: Device;
  /** rename what is at `out` */
  force: boolean;
  progress: Progress;
}

/** The result of an import. */
export interface ImportedTeacher extends Omit<ReadTeacher, "denoiser" | "autoencoder"> {
  folder: string;
  /** the autoencoder's sizes, if it came with one */
  autoencoder?: AutoencoderConfig;
  /** picture of samples */
  grid?: string;
}

/** Batch size of the samples. */
const batch = 4;

/**
 * Converts a foreign network to a model folder, `out`: weights, configuration and a grid of samples drawn from the
 * written model. The folder appears only when it is complete. @throws DisbackError naming the file and what is wrong
 * with it, or the folder that cannot be written
 */
export async function importTeacher(source: string, options: TeacherImportOptions): Promise<ImportedTeacher> {
  const { out, config, ema, autoencoder: given } = options;
  refuseOccupied(options);
  const { denoiser, autoencoder, ...facts } = await readTeacher(source, {
    ...(config === undefined ? {} : { config }),
    ...(ema === undefined ? {} : { ema }),
    ...(given === undefined ? {} : { autoencoder: given }),
  });
  await makeInPlace(options, async (partial) => {
    saveModel(partial, denoiser, facts.config);
    denoiser.dispose();
    if (autoencoder) saveAutoencoder(join(partial, autoencoderFolder), autoencoder);
    if (options.samples > 0) await drawGrid(source, partial, options);
  });
  return {
    ...facts,
    ...(autoencoder ? { autoencoder: autoencoder.config } : {}),
    folder: out,
    ...(options.samples > 0 ? { grid: join(out, "grid.png") } : {}),
  };
}

async function drawGrid(source: string, folder: string, options: TeacherImportOptions): Promise<void> {
  const { samples: count, steps, seed, device, progress } = options;
  const drawer = await openDrawer(folder, {
    seed,
    device,
    steps,
    sampler: "heun",
    sigmaMin: 0.002,
    sigmaMax: 80,
    rho: 7,
  });
  const drawn: Tensor[] = [];
  progress.start("sampling", count, 0, "samples");
  for (let done = 0; done < count; ) {
    const size = Math.min(batch, count - done);
    drawn.push(drawer.draw(size).samples.cpu());
    done += size;
    progress.update(done, {});
  }
  progress.finish();
  const samples = cat(drawn);
  if (!samples.isfinite().all().item()) {
    throw new DisbackError(`${source}: the network's samples are infinite or NaN: nothing was written`);
  }
  await drawer.kind.draw(join(folder, "grid.png"), samples);
  for (const tensor of [...drawn, samples]) tensor.dispose();
}

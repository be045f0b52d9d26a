import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { cat, type Device, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { type ReadTeacher, readTeacher } from "../../import/read-teacher.js";
import { saveModel } from "../../models/config.js";
import { fileError, removeIfPossible } from "../atomic-file.js";
import type { Progress } from "../progress.js";
import { openDrawer } from "../sample-drawer.js";
import { writeSamplePicture } from "../sample-picture.js";

/** How a teacher is imported. */
export interface TeacherImportOptions {
  /** model folder to be made */
  out: string;
  /** configuration of the network, for files with weights only */
  config?: string;
  /** which of several networks in the file */
  ema?: string;
  /** samples drawn to check; 0 for none */
  samples: number;
  /** sampler steps of each */
  steps: number;
  seed: number;
  device: Device;
  /** set aside what is at `out` */
  force: boolean;
  progress: Progress;
}

/** What an import found and made. */
export interface ImportedTeacher extends Omit<ReadTeacher, "denoiser"> {
  folder: string;
  /** picture of samples */
  grid?: string;
}

/** Samples drawn at once. */
const batch = 4;

/**
 * Turns someone else's network into a model folder, `out`: weights, configuration and a grid of samples drawn from
 * what was written. The folder appears when all of it is there, or not at all.
 * @throws DisbackError naming the file and what is wrong with it, or the folder that cannot be written
 */
export async function importTeacher(source: string, options: TeacherImportOptions): Promise<ImportedTeacher> {
  const { out, config, ema } = options;
  refuseOccupied(out, options.force);
  const { denoiser, ...facts } = await readTeacher(source, {
    ...(config === undefined ? {} : { config }),
    ...(ema === undefined ? {} : { ema }),
  });
  const target = resolve(out);
  const partial = join(dirname(target), `.${basename(target)}.${process.pid}.partial`);
  try {
    try {
      mkdirSync(partial, { recursive: true });
    } catch (error) {
      throw fileError("write", out, error);
    }
    saveModel(partial, denoiser, facts.config);
    denoiser.dispose();
    if (options.samples > 0) await drawGrid(source, partial, options);
    putInPlace(partial, target, options);
  } catch (error) {
    removeIfPossible(partial);
    if (error instanceof DisbackError) throw new DisbackError(error.message.replaceAll(partial, out));
    throw error;
  }
  return { ...facts, folder: out, ...(options.samples > 0 ? { grid: join(out, "grid.png") } : {}) };
}

async function drawGrid(source: string, folder: string, options: TeacherImportOptions): Promise<void> {
  const { samples: count, steps, seed, device, progress } = options;
  const drawer = openDrawer(folder, {
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
  await writeSamplePicture(join(folder, "grid.png"), samples);
  for (const tensor of [...drawn, samples]) tensor.dispose();
}

function refuseOccupied(out: string, force: boolean): void {
  if (force || !existsSync(out)) return;
  if (statSync(out).isDirectory() && readdirSync(out).length === 0) return;
  throw new DisbackError(`${out}: already there; choose another folder or give --force`);
}

/** What was there is renamed, never deleted. */
function putInPlace(partial: string, target: string, { out, progress }: TeacherImportOptions): void {
  try {
    const occupied =
      existsSync(target) && !(statSync(target).isDirectory() && readdirSync(target).length === 0);
    if (occupied) {
      let number = 1;
      while (existsSync(`${target}.old-${number}`)) number++;
      renameSync(target, `${target}.old-${number}`);
      progress.notice(`${out} was there before: renamed to ${out}.old-${number}`);
    }
    renameSync(partial, target);
  } catch (error) {
    throw fileError("write", out, error);
  }
}

import { basename } from "node:path";
import { noGrad, scope, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { type EmaProfile, postHocCoefficients } from "../../models/edm2/power-function-ema.js";
import { type ReadTeacher, readTeacher } from "../read-teacher.js";
import type { ReadTeacherOptions } from "../teacher-source.js";

/** A stored average from a training of NVlabs/edm2. */
export interface EmaSnapshot extends EmaProfile {
  path: string;
}

/** The requested average, and options of reading the snapshots. */
export interface PostHocEmaOptions extends ReadTeacherOptions {
  /** sigma_rel of the average */
  deviation: number;
  /** time of the average in training images, equal to that of one of the snapshots; default the latest */
  time?: number;
}

/**
 * Profiles by the names that NVlabs/edm2 gives its snapshots, `network-snapshot-0002097-0.050.pkl`: thousands of training
 * images, rounded down, and sigma_rel.
 * @throws DisbackError naming the file whose name does not match
 */
export function snapshotsByName(paths: readonly string[]): EmaSnapshot[] {
  return paths.map((path) => {
    const [, thousands, deviation] = /-(\d+)-(\d+\.\d+)\.pkl$/.exec(basename(path)) ?? [];
    if (thousands === undefined || deviation === undefined) {
      throw new DisbackError(`${path}: its name does not end as -0002097-0.050.pkl`);
    }
    // Snapshots are taken at multiples of 1,024 images.
    const time = Math.floor((Number(thousands) * 1000 + 999) / 1024) * 1024;
    return { path, time, deviation: Number(deviation) };
  });
}

/**
 * Reconstructs an average of any width from a training's snapshots (Karras et al. 2024, section 3.2). The network and
 * its buffers are those of the latest snapshot.
 * @throws DisbackError as `readTeacher`; if the snapshots belong to different networks, or none has the time `time`
 */
export async function readPostHocEma(
  snapshots: readonly EmaSnapshot[],
  options: PostHocEmaOptions,
): Promise<ReadTeacher> {
  const { deviation, time = Math.max(...snapshots.map((one) => one.time)), ...reading } = options;
  const used = snapshots.filter((one) => one.time <= time).sort((a, b) => b.time - a.time);
  if (used[0]?.time !== time) throw new DisbackError(`time: no snapshot was taken at ${time}`);
  const factors = postHocCoefficients(used, { time, deviation });
  let result: ReadTeacher | undefined;
  for (const [index, { path }] of used.entries()) {
    const read = await readTeacher(path, reading);
    const parameters = new Map(read.denoiser.namedParameters());
    if (!result) {
      result = read;
      noGrad(() => eachPair(parameters, parameters, (own) => own.mul_(factors[index]!)));
      continue;
    }
    if (JSON.stringify(read.config) !== JSON.stringify(result.config)) {
      throw new DisbackError(`${path}: another network than in ${used[0].path}`);
    }
    const sums = new Map(result.denoiser.namedParameters());
    noGrad(() => eachPair(sums, parameters, (sum, own) => sum.add_(own.mul(factors[index]!))));
    read.denoiser.dispose();
    read.autoencoder?.dispose();
  }
  const note = `reconstructed from ${used.length} snapshots: sigma_rel ${deviation} after ${time} images`;
  return { ...result!, notes: [...result!.notes, note] };
}

function eachPair(
  a: ReadonlyMap<string, Tensor>,
  b: ReadonlyMap<string, Tensor>,
  work: (a: Tensor, b: Tensor) => Tensor,
): void {
  for (const [key, tensor] of a) scope(() => work(tensor, b.get(key)!));
}

import { type Device, Generator, randperm, scope } from "@disback/torch";
import type { z } from "zod";
import { openDataset } from "../../data/dataset.js";
import type { DirectObjective } from "../../distill/direct-objective.js";
import { KarrasUniform } from "../../distill/noise-distribution.js";
import type { Objective } from "../../distill/objective.js";
import { Consistency } from "../../distill/objectives/consistency.js";
import { DiffInstruct } from "../../distill/objectives/diff-instruct.js";
import { Dmd } from "../../distill/objectives/dmd.js";
import { Dmd2 } from "../../distill/objectives/dmd2.js";
import { Regression } from "../../distill/objectives/regression.js";
import { Sid } from "../../distill/objectives/sid.js";
import { Vsd } from "../../distill/objectives/vsd.js";
import { SamplePool } from "../../distill/sample-pool.js";
import { DisbackError } from "../../errors.js";
import { classCondition, classesOf } from "../../models/condition.js";
import type { ModelFacts } from "../../models/facts.js";
import type { SampleCodec } from "../../models/sample-codec.js";
import { likeSamples } from "../samples/kinds.js";
import type { objectiveSettings } from "../settings/objectives.js";

export type ObjectiveSettings = z.output<z.ZodObject<typeof objectiveSettings>>;

/** Source of real samples, for objectives that need them. */
export interface RealData {
  /** data set; DMD2 needs one */
  source?: string | undefined;
  resolution?: number | undefined;
  skipBroken: boolean;
  device: Device;
  /** codec between the data and the teacher's samples */
  codec: SampleCodec;
  /** told in one line what is left out of the data */
  notice: (line: string) => void;
}

/** @throws DisbackError if guidance is wanted and the teacher is unconditional */
export function requireGuidable(guidance: number, teacher: ModelFacts): void {
  if (guidance !== 1 && Object.keys(teacher.condition).length === 0)
    throw new DisbackError('"backtracking.guidance": needs a teacher with classes or prompts');
}

/**
 * The objective of the settings. @param teacher facts of the teacher @throws DisbackError if it needs data and there
 * are none
 */
export async function createObjective(
  settings: ObjectiveSettings,
  teacher: ModelFacts,
  data: RealData,
): Promise<Objective | DirectObjective> {
  const { objective, pairs, diffInstruct, vsd, dmd, dmd2, sid, regression, consistency } = settings;
  switch (objective) {
    case "diff-instruct":
      return new DiffInstruct(diffInstruct);
    case "vsd":
      return new Vsd(vsd);
    case "dmd":
      return new Dmd({ ...dmd, pairs });
    case "dmd2": {
      const { realSamples, ...weights } = dmd2;
      return new Dmd2({ ...weights, real: await realPool(data, realSamples, teacher) });
    }
    case "sid":
      return new Sid({ alpha: sid.alpha, noise: new KarrasUniform({ to: sid.lastPosition }) });
    case "regression":
      return new Regression({ ...regression, pairs });
    case "consistency": {
      const { realSamples, ...options } = consistency;
      const real = data.source === undefined ? undefined : await realPool(data, realSamples, teacher);
      return new Consistency({ ...options, pairs, data: real });
    }
  }
}

/** A fixed selection of data samples in memory. */
async function realPool(data: RealData, count: number, teacher: ModelFacts): Promise<SamplePool> {
  const { source, resolution, skipBroken, device, codec, notice } = data as RealData & { source: string };
  const like = likeSamples(codec, resolution);
  const labelled = { labels: classesOf(teacher) > 0, onWarning: notice };
  const dataset = await openDataset(source, { ...like, skipBroken, ...labelled });
  // Data may be sorted by class.
  const order = randperm(dataset.length, { generator: new Generator(0) }).data() as BigInt64Array;
  const { samples, labels } = await dataset.batch(Array.from(order.subarray(0, count), Number));
  const encoded = scope(() => codec.encode(samples.to({ device })));
  return new SamplePool({ samples: encoded, condition: classCondition(labels?.to({ device })) });
}

import type { Device, Module } from "@disback/torch";
import type { z } from "zod";
import { type Batch, openDataset, TensorDataset } from "../../data/dataset.js";
import { someRows } from "../../data/some-samples.js";
import type { DirectObjective } from "../../distill/direct-objective.js";
import { Gkd } from "../../distill/language/gkd.js";
import { Supervised } from "../../distill/language/supervised.js";
import { KarrasUniform } from "../../distill/noise-distribution.js";
import type { Objective } from "../../distill/objective.js";
import { Consistency } from "../../distill/objectives/consistency.js";
import { DiffInstruct } from "../../distill/objectives/diff-instruct.js";
import { Dmd } from "../../distill/objectives/dmd.js";
import { Dmd2 } from "../../distill/objectives/dmd2.js";
import { Ect } from "../../distill/objectives/ect.js";
import { FDistill } from "../../distill/objectives/f-distill.js";
import { Ladd } from "../../distill/objectives/ladd.js";
import { MeanFlow } from "../../distill/objectives/meanflow.js";
import { MomentMatching } from "../../distill/objectives/moment-matching.js";
import { Regression } from "../../distill/objectives/regression.js";
import { Scm } from "../../distill/objectives/scm.js";
import { Sid } from "../../distill/objectives/sid.js";
import { Sida } from "../../distill/objectives/sida.js";
import { Sim } from "../../distill/objectives/sim.js";
import { Tcm } from "../../distill/objectives/tcm.js";
import { Vsd } from "../../distill/objectives/vsd.js";
import { SamplePool } from "../../distill/sample-pool.js";
import type { Student } from "../../distill/student.js";
import { DisbackError } from "../../errors.js";
import { classCondition, classesOf } from "../../models/condition.js";
import type { ModelFacts } from "../../models/facts.js";
import { LanguageModel } from "../../models/language/language-model.js";
import type { SampleCodec } from "../../models/sample-codec.js";
import { asLatents, putEncoderAway } from "../latent-data.js";
import type { OpenedModel } from "../opened-model.js";
import { likeSamples } from "../samples/kinds.js";
import { isLanguageName, type ObjectiveName } from "../settings/objective-names.js";
import type { objectiveSettings } from "../settings/objectives.js";
import { noiseOf } from "./fit.js";

export type ObjectiveSettings = z.output<z.ZodObject<typeof objectiveSettings>>;

/** An objective for a teacher of any kind. */
type AnyObjective = Objective<Module> | DirectObjective<Module, Student>;

/** Source of real samples, for objectives that need them. */
export interface RealData {
  /** data set; objectives with a discriminator need one */
  source?: string | undefined;
  resolution?: number | undefined;
  skipBroken: boolean;
  device: Device;
  /** codec between the data and the teacher's samples */
  codec: SampleCodec;
  /** told in one line what is left out of the data */
  notice: (line: string) => void;
  /** called, and awaited, with the number of images decoded; may throw to stop */
  onDecoding: (done: number, total: number) => unknown;
}

/** @throws DisbackError if guidance is wanted and the teacher is unconditional */
export function requireGuidable(guidance: number, teacher: ModelFacts): void {
  if (guidance !== 1 && Object.keys(teacher.condition).length === 0)
    throw new DisbackError('"backtracking.guidance": needs a teacher with classes or prompts');
}

/**
 * The objective of the settings.
 *
 * @param drawPairs draws the teacher's samples, for objectives that learn from them
 * @throws DisbackError if it needs data and there are none
 */
export async function createObjective(
  settings: ObjectiveSettings,
  teacher: Pick<OpenedModel<Module>, "facts">,
  data: RealData,
  drawPairs: (pairs: ObjectiveSettings["pairs"]) => Promise<SamplePool>,
): Promise<AnyObjective> {
  const { objective, diffInstruct, vsd, dmd, sid, sim, regression, momentMatching } = settings;
  /** Real samples beside the other options. */
  const withReal = async <O extends { realSamples: number }>({ realSamples, ...options }: O) => ({
    ...options,
    real: await realPool(data, realSamples, teacher.facts),
  });
  /** Real samples if there are data, else the teacher's. */
  const withClean = async <O extends { realSamples: number }>({ realSamples, ...options }: O) => ({
    ...options,
    ...(data.source === undefined
      ? { pairs: await drawPairs(settings.pairs) }
      : { data: await realPool(data, realSamples, teacher.facts) }),
  });
  switch (objective) {
    case "diff-instruct":
      return new DiffInstruct({ ...diffInstruct, noise: noiseOf(diffInstruct) });
    case "vsd":
      return new Vsd(vsd);
    case "output-matching":
      throw new DisbackError(
        '"backtracking.objective": output-matching is for teachers that are no denoisers',
      );
    case "dmd":
      return new Dmd(dmd.regressionWeight === 0 ? dmd : { ...dmd, pairs: await drawPairs(settings.pairs) });
    case "dmd2":
      return new Dmd2(await withReal(settings.dmd2));
    case "f-distill":
      return new FDistill(await withReal(settings.fDistill));
    case "sid":
      return new Sid(upTo(sid));
    case "sida":
      return new Sida(upTo(await withReal(settings.sida)));
    case "sim":
      return new Sim(upTo(sim));
    case "moment-matching":
      return new MomentMatching(momentMatching);
    case "regression":
      return new Regression({ ...regression, pairs: await drawPairs(settings.pairs) });
    case "consistency":
      return new Consistency(await withClean(settings.consistency));
    case "ect":
      return new Ect(await withClean(settings.ect));
    case "tcm":
      return new Tcm(await withClean(settings.tcm));
    case "scm":
      return new Scm(await withClean(settings.scm));
    case "meanflow":
      return new MeanFlow(await withClean(settings.meanflow));
    case "gkd": {
      const { realSamples, ...options } = settings.gkd;
      const needed = options.lambda < 1;
      if (needed && data.source === undefined)
        throw new DisbackError('"backtracking.gkd.lambda": below 1 needs real texts; give --data');
      return new Gkd(needed ? await withReal({ ...options, realSamples }) : options);
    }
    case "supervised":
      return new Supervised(await withReal(settings.supervised));
    case "ladd":
      return new Ladd(await withReal(settings.ladd));
  }
}

/** @throws DisbackError if an objective is for language models and the teacher none, or the other way round */
export function requireObjectiveFor(objective: ObjectiveName, teacher: Module): void {
  const isLanguage = teacher instanceof LanguageModel;
  if (isLanguage === isLanguageName(objective)) return;
  throw new DisbackError(
    isLanguage
      ? `"backtracking.objective": ${objective} is for denoisers, but the teacher is a language model; use gkd or supervised`
      : `"backtracking.objective": ${objective} is for language models, but the teacher is none`,
  );
}

/** SiD's noise levels, up to a position on the sampler's schedule. */
function upTo<O extends { lastPosition: number }>({ lastPosition, ...options }: O) {
  return { ...options, noise: new KarrasUniform({ to: lastPosition }) };
}

/** A fixed selection of data samples in memory. */
async function realPool(data: RealData, count: number, teacher: ModelFacts): Promise<SamplePool> {
  const { source, resolution, skipBroken, device, codec, notice, onDecoding } = data as RealData & {
    source: string;
  };
  const like = likeSamples(codec, resolution);
  const labelled = { labels: classesOf(teacher) > 0, onWarning: notice, onProgress: onDecoding };
  const dataset = await openDataset(source, { ...like, skipBroken, ...labelled });
  const chosen = someRows(dataset, count);
  const { samples, labels } = await (codec.decoder
    ? encodedOnce(dataset, chosen, teacher, data)
    : dataset.batch(chosen));
  return new SamplePool({
    samples: samples.to({ device }),
    condition: classCondition(labels?.to({ device })),
  });
}

/** Latents of samples: few are encoded at once, and only those that no run encoded before. Then the encoder is put away. */
async function encodedOnce(
  dataset: TensorDataset,
  chosen: readonly number[],
  { sampleShape }: ModelFacts,
  { codec, source, device, notice }: RealData,
): Promise<Batch> {
  const latents = asLatents(dataset, { codec, shape: sampleShape, name: source!, device });
  for (let first = 0; first < chosen.length; first += ENCODED_AT_ONCE)
    await latents.read(chosen.slice(first, first + ENCODED_AT_ONCE));
  putEncoderAway(codec.decoder!.module);
  if (latents.encoded > 0)
    notice(`encoded ${latents.encoded} real samples; other runs find them in the cache`);
  return new TensorDataset(latents).batch(chosen);
}

/** An autoencoder's activations take far more memory than its latents. */
const ENCODED_AT_ONCE = 8;

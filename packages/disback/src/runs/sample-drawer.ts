import { cat, type Device, inferenceMode, type Module, scope, type Tensor } from "@disback/torch";
import { DenoiserStudent } from "../distill/denoiser-student.js";
import type { Student } from "../distill/student.js";
import { studentFrom } from "../distill/student-kind.js";
import { UsageError } from "../errors.js";
import { type Condition, classesOf, narrowRows } from "../models/condition.js";
import type { DenoiserModule } from "../models/denoiser.js";
import type { ModelFacts } from "../models/facts.js";
import { guided } from "../models/guided-denoiser.js";
import type { SampleCodec } from "../models/sample-codec.js";
import { ddim, euler, heun } from "../models/samplers.js";
import { type LatentKind, LatentSource, type Latents } from "./latent-source.js";
import type { Between } from "./long-work.js";
import { didYouMean } from "./nearest.js";
import { type OpeningOptions, openModel } from "./open-model.js";
import type { OpenedModel } from "./opened-model.js";
import { kindOfSamples, type Shown } from "./samples/kinds.js";
import type { SampleKind } from "./samples/sample-kind.js";
import { studentKindOf } from "./student-file.js";
import { stepsText } from "./wording.js";

/** How samples are drawn from a model. */
export interface DrawingOptions {
  seed: number;
  device: Device;
  /** Sampler steps; a student's own, 18 for a teacher when not given. */
  steps?: number | undefined;
  sampler: "heun" | "euler" | "ddim";
  sigmaMin: number;
  sigmaMax: number;
  rho: number;
  /** Classifier-free guidance of a teacher; 1, none, when not given. */
  guidance?: number | undefined;
  /** Class to draw, by number or name; all in turn when not given. */
  label?: number | string | undefined;
}

/** Samples `[N, ...]`, and their classes as numbers. */
export interface Drawn {
  samples: Tensor;
  labels?: number[];
}

/** Draws samples, batch by batch, always the same for the same seed and batch sizes. */
export interface SampleDrawer {
  /** `[C, H, W]` or `[D]` */
  sampleShape: number[];
  labelDim: number;
  /** Network evaluations per sample (NFE). */
  evaluations: number;
  draw(count: number): Drawn;
  /** The same samples, made in parts so that a slow model can be followed and stopped. */
  drawInParts(count: number, between: Between): Promise<Drawn>;
  /** Leaves samples out: what is drawn next is what would have come after them. */
  skip(count: number): void;
}

/** Draws what people see and metrics judge. */
export interface ShownDrawer extends SampleDrawer {
  shown: Shown;
  kind: SampleKind;
}

/** Opens a student (its own steps) or a teacher (a sampler), whichever the folder holds. */
export async function openDrawer(
  source: string,
  options: DrawingOptions & OpeningOptions,
): Promise<ShownDrawer> {
  const model = await openModel(source, options);
  return decodedDrawer(modelDrawer(source, model, options), model.codec);
}

/** Draws what the model itself makes, and decodes it for those who look or judge. */
export function decodedDrawer(drawer: SampleDrawer, codec: SampleCodec): ShownDrawer {
  return {
    ...drawer,
    shown: codec,
    kind: kindOfSamples(codec),
    sampleShape: [...codec.shownShape],
    draw: (count) => scope(() => decoded(drawer.draw(count), codec)),
    drawInParts: async (count, between) => {
      const drawn = await drawer.drawInParts(count, between);
      return scope(() => decoded(drawn, codec));
    },
  };
}

function decoded({ samples, ...rest }: Drawn, codec: SampleCodec): Drawn {
  return { samples: codec.decode(samples), ...rest };
}

function modelDrawer(
  source: string,
  { module, facts }: OpenedModel<Module>,
  options: DrawingOptions,
): SampleDrawer {
  const kind = studentKindOf(source, module);
  if (kind === undefined)
    return teacherDrawer(module as DenoiserModule, { ...options, steps: options.steps ?? 18 });
  const student = studentFrom(module, facts, kind);
  if (options.steps !== undefined && options.steps !== student.evaluations) {
    throw new UsageError(
      `--steps ${options.steps}: ${source} is a ${stepsText(student.evaluations)} student`,
    );
  }
  if (options.guidance !== undefined && options.guidance !== 1) {
    throw new UsageError(
      `--guidance ${options.guidance}: ${source} is a student, which learned its guidance`,
    );
  }
  return studentDrawer(student, options);
}

/** A student's samples. */
export function studentDrawer(
  student: Student,
  options: Pick<DrawingOptions, "seed" | "device" | "label">,
): SampleDrawer {
  const { evaluations: steps, facts } = student;
  const own = student instanceof DenoiserStudent ? {} : { draw: student.latents.bind(student) };
  return drawer(facts, { ...options, steps, ...own }, steps, (latents, condition) =>
    // Copied out of inference mode: ordinary tensors, which gradients may pass by.
    inferenceMode(() => student.generate(latents, condition)).clone(),
  );
}

/** A teacher's samples by one of EDM's samplers. */
export function teacherDrawer(
  denoiser: DenoiserModule,
  options: DrawingOptions & { steps: number },
): SampleDrawer {
  const sampler = { heun, euler, ddim }[options.sampler];
  const { steps, sigmaMin, sigmaMax, rho, guidance = 1 } = options;
  const { facts } = denoiser;
  if (guidance !== 1 && classesOf(facts) === 0) {
    throw new UsageError(`--guidance ${guidance}: this model has no classes to be guided to`);
  }
  const evaluations = (options.sampler === "heun" ? 2 * steps - 1 : steps) * (guidance === 1 ? 1 : 2);
  return drawer(facts, { ...options, steps: 1 }, evaluations, (latents, condition) =>
    sampler(guided(denoiser, guidance), latents, { steps, sigmaMin, sigmaMax, rho, condition }),
  );
}

/** Evaluations per sample up to which a batch is drawn at once. */
const MOST_AT_ONCE = 8;
/** Numbers in the samples that are drawn at once by more: 256 grey images of 16 x 16, 21 colour images of 32 x 32. */
const PART_NUMBERS = 65_536;

function joined(made: readonly Tensor[], { labels }: Latents): Drawn {
  return { samples: made.length === 1 ? made[0]! : cat([...made]), ...(labels ? { labels } : {}) };
}

function drawer(
  facts: ModelFacts,
  options: Pick<DrawingOptions, "seed" | "device" | "label"> & LatentKind,
  evaluations: number,
  generate: (latents: Tensor, condition?: Condition) => Tensor,
): SampleDrawer {
  const label = labelOf(options.label, facts);
  const labelDim = classesOf(facts);
  const sampleShape = [...facts.sampleShape];
  const source = new LatentSource(sampleShape, labelDim, { ...options, label });
  const numbers = sampleShape.reduce((product, side) => product * side, 1);
  // A GPU is fast enough for whole batches, and so is a student that runs once.
  const whole = options.device !== "cpu" || evaluations <= MOST_AT_ONCE;
  const size = whole ? Number.POSITIVE_INFINITY : Math.max(1, Math.floor(PART_NUMBERS / numbers));
  function* parts(count: number, { latents, condition }: Latents): Generator<Tensor> {
    for (let start = 0; start < count; start += size) {
      const rows = Math.min(size, count - start);
      yield scope(() => generate(narrowRows(latents, start, rows), narrowRows(condition, start, rows)));
    }
  }
  return {
    sampleShape,
    labelDim,
    evaluations,
    draw: (count) =>
      scope(() => {
        const next = source.next(count);
        return joined([...parts(count, next)], next);
      }),
    async drawInParts(count, between) {
      const next = source.next(count);
      const made: Tensor[] = [];
      let done = 0;
      for (const part of parts(count, next)) {
        made.push(part);
        done += part.shape[0]!;
        await between(done);
      }
      return scope(() => joined(made, next));
    },
    skip: (count) => scope(() => void source.next(count)),
  };
}

/** The number of a class that is given by number or name. @throws UsageError if the model has no such class */
function labelOf(label: number | string | undefined, facts: ModelFacts): number | undefined {
  if (label === undefined) return undefined;
  const labelDim = classesOf(facts);
  const { classNames = [] } = facts;
  const named = classNames.findIndex((name) => name.toLowerCase() === String(label).toLowerCase());
  const number = named >= 0 ? named : label;
  if (typeof number === "number" && Number.isInteger(number) && number >= 0 && number < labelDim)
    return number;
  if (labelDim === 0) throw new UsageError(`--label ${label}: this model has no classes`);
  const known = `this model's classes are 0 to ${labelDim - 1}`;
  // Data without names may count its classes: that tells nothing.
  const counted = classNames.every((name, place) => name === String(place));
  const names = counted ? "" : `: ${classNames.join(", ")}${didYouMean(String(label), classNames)}`;
  throw new UsageError(`--label ${label}: ${known}${names}`);
}

import { type Device, inferenceMode, type Module, scope, type Tensor } from "@disback/torch";
import { DenoiserStudent, evenAngles } from "../distill/denoiser-student.js";
import type { Student } from "../distill/student.js";
import { type StudentKind, studentFrom } from "../distill/student-kind.js";
import { UsageError } from "../errors.js";
import { type Condition, classesOf } from "../models/condition.js";
import type { DenoiserModule } from "../models/denoiser.js";
import type { ModelFacts } from "../models/facts.js";
import { guided } from "../models/guided-denoiser.js";
import type { SampleCodec } from "../models/sample-codec.js";
import { ddim, euler, heun } from "../models/samplers.js";
import { type LatentKind, LatentSource } from "./latent-source.js";
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

/** Draws samples, batch by batch, always the same for the same seed and batch sizes. */
export interface SampleDrawer {
  /** `[C, H, W]` or `[D]` */
  sampleShape: number[];
  labelDim: number;
  /** Network evaluations per sample (NFE). */
  evaluations: number;
  draw(count: number): { samples: Tensor; labels?: number[] };
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
    draw: (count) =>
      scope(() => {
        const { samples, ...rest } = drawer.draw(count);
        return { samples: codec.decode(samples), ...rest };
      }),
  };
}

function modelDrawer(
  source: string,
  { module, facts }: OpenedModel<Module>,
  options: DrawingOptions,
): SampleDrawer {
  const kind = studentKindOf(source, module);
  if (kind === undefined)
    return teacherDrawer(module as DenoiserModule, { ...options, steps: options.steps ?? 18 });
  const student = studentFrom(module, facts, inSteps(kind, facts, options.steps));
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

/** A student of any number of steps, in as many as asked for; others as they are. */
function inSteps(kind: StudentKind, { sigmaData }: ModelFacts, steps?: number): StudentKind {
  if (kind.kind !== "denoiser" || !kind.anySteps || steps === undefined) return kind;
  if (steps === 1 + kind.laterSigmas.length) return kind;
  return { ...kind, laterSigmas: evenAngles(kind.sigmaInit, steps, sigmaData) };
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
  return {
    sampleShape,
    labelDim,
    evaluations,
    draw(count) {
      const { latents, condition, labels } = source.next(count);
      return { samples: generate(latents, condition), ...(labels ? { labels } : {}) };
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

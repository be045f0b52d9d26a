import { cat, type Device, inferenceMode, keep, type Module, scope, type Tensor } from "@disback/torch";
import type { CachedPrompts } from "../distill/cached-prompts.js";
import { DenoiserStudent, evenAngles } from "../distill/denoiser-student.js";
import type { Student } from "../distill/student.js";
import { type StudentKind, studentFrom } from "../distill/student-kind.js";
import { UsageError } from "../errors.js";
import { inLayout } from "../models/computation.js";
import { type Condition, classesOf, eachRows, narrowRows } from "../models/condition.js";
import { DenoiserModule } from "../models/denoiser.js";
import { isPrompted, type ModelFacts } from "../models/facts.js";
import { guided } from "../models/guided-denoiser.js";
import { LanguageModel } from "../models/language/language-model.js";
import type { SampleCodec } from "../models/sample-codec.js";
import { ddim, euler, heun } from "../models/samplers.js";
import { languagePrompts } from "../text/language/prompts.js";
import type { PromptRows } from "../text/prompt-rows.js";
import { PromptTokens } from "../text/prompt-tokens.js";
import { usualFormat } from "./computation.js";
import { type LatentKind, LatentSource, type Latents } from "./latent-source.js";
import type { Between } from "./long-work.js";
import { didYouMean } from "./nearest.js";
import { needsEncoder, openModel } from "./open-model.js";
import type { OpenedModel, OpeningOptions } from "./opened-model.js";
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
  /** Prompt that guidance leads away from; no text when not given. */
  negativePrompt?: string | undefined;
  /** How far guidance gets back the contrast of samples without it, from 0 to 1; 0 when not given. */
  guidanceRescale?: number | undefined;
  /** How a language model draws the next token; from the distribution as it is when not given. */
  temperature?: number | undefined;
  topP?: number | undefined;
  /** Class to draw, by number or name, or a task; all in turn when not given. */
  label?: number | string | undefined;
  /** Prompts of a model that is told a text, in turn; those of its training when not given. */
  prompts?: readonly string[] | undefined;
  /** Prompts of a model that does not encode them itself. */
  encoded?: CachedPrompts | undefined;
}

/** Samples `[N, ...]`, and their classes as numbers or their prompts. */
export interface Drawn {
  samples: Tensor;
  labels?: number[];
  prompts?: string[];
}

/** Draws samples, batch by batch, always the same for the same seed and batch sizes. */
export interface SampleDrawer {
  /** `[C, H, W]` or `[D]` */
  sampleShape: number[];
  labelDim: number;
  /** Network evaluations per sample (NFE). */
  evaluations: number;
  /** What is not read of the prompts, a line each. */
  unread: readonly string[];
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

/** Draws from a model that was opened. */
export interface ModelDrawer extends ShownDrawer {
  /** whether the samples follow prompts */
  prompted: boolean;
}

/** Opens a student (its own steps) or a teacher (a sampler), whichever the folder holds. */
export async function openDrawer(
  source: string,
  options: DrawingOptions & OpeningOptions,
): Promise<ModelDrawer> {
  const { device, unconditional = false, prompts, negativePrompt, pipeline, textLength } = options;
  const alsoEncode = negativePrompt === undefined ? [] : [negativePrompt];
  const told = needsEncoder(source) ? { prompts, alsoEncode } : {};
  const model = await openModel(source, { device, unconditional, pipeline, textLength, ...told });
  refuseForeign(source, model.module, options);
  if (model.module instanceof DenoiserModule) inLayout(model.module, usualFormat({ device }));
  const encoded = model.prompts;
  return {
    ...decodedDrawer(modelDrawer(source, model, { ...options, encoded }), model.codec),
    prompted: isPrompted(model.facts),
  };
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
  { module, facts, prompts, codec }: OpenedModel<Module>,
  options: DrawingOptions,
): SampleDrawer {
  const kind = studentKindOf(source, module);
  if (kind === undefined)
    return teacherDrawer(module as DenoiserModule, { ...options, steps: options.steps ?? 18 });
  const student = studentFrom(module, facts, inSteps(kind, facts, options.steps), { conditions: prompts });
  if (options.steps !== undefined && options.steps !== student.evaluations) {
    throw new UsageError(
      module instanceof LanguageModel
        ? `--steps: ${source} is a language model and takes a step for each token; give --length`
        : `--steps ${options.steps}: ${source} is a ${stepsText(student.evaluations)} student`,
    );
  }
  if (options.guidance !== undefined && options.guidance !== 1) {
    throw new UsageError(
      `--guidance ${options.guidance}: ${source} is a student, which learned its guidance`,
    );
  }
  if (options.negativePrompt !== undefined)
    throw new UsageError(`--negative-prompt: ${source} is a student, which is not guided`);
  if (!(module instanceof LanguageModel)) return studentDrawer(student, options);
  const { temperature = 1, topP = 1 } = options;
  module.sampling = { temperature, topP };
  return studentDrawer(student, {
    ...options,
    told: options.prompts && languagePrompts(options.prompts, codec.language!),
  });
}

/** Options of language models have no effect on others. */
function refuseForeign(source: string, module: Module, options: DrawingOptions & OpeningOptions): void {
  if (module instanceof LanguageModel) return;
  const given = {
    "--temperature": options.temperature,
    "--top-p": options.topP,
    "--length": options.textLength,
  };
  for (const [flag, value] of Object.entries(given)) {
    if (value !== undefined) throw new UsageError(`${flag}: ${source} is no language model`);
  }
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
  options: Pick<DrawingOptions, "seed" | "device" | "label" | "prompts" | "encoded"> & {
    told?: PromptRows | undefined;
  },
): SampleDrawer {
  const { evaluations, facts } = student;
  const kind =
    student instanceof DenoiserStudent
      ? { steps: evaluations }
      : { steps: 1, draw: student.latents.bind(student) };
  return drawer(facts, { ...options, ...kind }, evaluations, (latents, condition) =>
    // Copied out of inference mode: ordinary tensors, which gradients may pass by.
    inferenceMode(() => student.generate(latents, condition)).clone(),
  );
}

/** A teacher's samples: a denoiser's by a sampler, a language model's by itself. */
export function samplerOf(
  { module, facts, drawLatents }: Pick<OpenedModel<Module>, "module" | "facts" | "drawLatents">,
  options: DrawingOptions & { steps: number },
): SampleDrawer {
  if (module instanceof DenoiserModule) return teacherDrawer(module, options);
  return studentDrawer(studentFrom(module, facts, { kind: "generator" }, { drawLatents }), options);
}

/** A teacher's samples by one of EDM's samplers. */
export function teacherDrawer(
  denoiser: DenoiserModule,
  options: DrawingOptions & { steps: number },
): SampleDrawer {
  const sampler = { heun, euler, ddim }[options.sampler];
  const { steps, sigmaMin, sigmaMax, rho, guidance = 1 } = options;
  const { facts } = denoiser;
  if (guidance !== 1 && Object.keys(facts.condition).length === 0) {
    throw new UsageError(`--guidance ${guidance}: this model has no classes or prompts to be guided to`);
  }
  const guidanceOptions = { negative: negativeOf(options, facts), rescale: options.guidanceRescale };
  const evaluations = (options.sampler === "heun" ? 2 * steps - 1 : steps) * (guidance === 1 ? 1 : 2);
  return drawer(facts, { ...options, steps: 1 }, evaluations, (latents, condition) =>
    sampler(guided(denoiser, guidance, guidanceOptions), latents, {
      steps,
      sigmaMin,
      sigmaMax,
      rho,
      condition,
    }),
  );
}

/** Evaluations per sample up to which a batch is drawn at once. */
const MOST_AT_ONCE = 8;
/** Numbers in the samples that are drawn at once by more: 256 grey images of 16 x 16, 21 colour images of 32 x 32. */
const PART_NUMBERS = 65_536;

function joined(made: readonly Tensor[], { latents: _, condition: __, ...told }: Latents): Drawn {
  return { samples: made.length === 1 ? made[0]! : cat([...made]), ...told };
}

function drawer(
  facts: ModelFacts,
  options: Pick<DrawingOptions, "seed" | "device" | "label" | "prompts" | "encoded"> &
    LatentKind & { told?: PromptRows | undefined },
  evaluations: number,
  generate: (latents: Tensor, condition?: Condition) => Tensor,
): SampleDrawer {
  const labels = labelsOf(options.label, facts);
  const labelDim = classesOf(facts);
  const sampleShape = [...facts.sampleShape];
  const prompts = options.told ?? options.encoded ?? promptsOf(options.prompts, facts);
  const source = new LatentSource(sampleShape, labelDim, { ...options, labels, prompts });
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
    unread: options.prompts && prompts ? (prompts.unread ?? []) : [],
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

/** The condition to lead away from. @throws UsageError if it has no effect */
function negativeOf(
  { negativePrompt, guidance = 1, device, encoded }: DrawingOptions,
  { text }: ModelFacts,
): Condition | undefined {
  if (negativePrompt === undefined) return encoded && guidance !== 1 ? kept(encoded.none()) : undefined;
  if (encoded && guidance !== 1) return kept(encoded.rows([negativePrompt]));
  if (!text) throw new UsageError("--negative-prompt: this model is not told a text");
  if (guidance === 1) throw new UsageError("--negative-prompt: has no effect without --guidance above 1");
  return { tokens: keep(new PromptTokens([negativePrompt], text).all(device)) };
}

function kept(condition: Condition): Condition {
  return eachRows(condition, keep);
}

/** The prompts to draw, those of the model's training by default. @throws UsageError if the model reads none */
function promptsOf(given: readonly string[] | undefined, facts: ModelFacts): PromptTokens | undefined {
  const { text } = facts;
  if (text) return new PromptTokens(given ?? text.prompts, text);
  if (!given) return undefined;
  const classes = classesOf(facts) > 0 ? "; it has classes: --label" : "";
  throw new UsageError(`--prompt: this model is not told a text${classes}`);
}

/** The numbers of a task's classes, or of one class by number or name. @throws UsageError if the model has no such class */
function labelsOf(label: number | string | undefined, facts: ModelFacts): number[] | undefined {
  if (label === undefined) return undefined;
  let first = 0;
  for (const [task, classes] of Object.entries(facts.tasks ?? {})) {
    if (task.toLowerCase() === String(label).toLowerCase())
      return Array.from({ length: classes }, (_, place) => first + place);
    first += classes;
  }
  const labelDim = classesOf(facts);
  const { classNames = [] } = facts;
  const named = classNames.findIndex((name) => name.toLowerCase() === String(label).toLowerCase());
  const number = named >= 0 ? named : label;
  if (typeof number === "number" && Number.isInteger(number) && number >= 0 && number < labelDim)
    return [number];
  if (labelDim === 0) throw new UsageError(`--label ${label}: this model has no classes`);
  const known = `this model's classes are 0 to ${labelDim - 1}`;
  // Data without names may count its classes: that tells nothing.
  const counted = classNames.every((name, place) => name === String(place));
  const names = counted ? "" : `: ${classNames.join(", ")}${didYouMean(String(label), classNames)}`;
  throw new UsageError(`--label ${label}: ${known}${names}`);
}

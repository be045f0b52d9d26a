import { type Device, fromTypedArray, type Tensor } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { didYouMean } from "./nearest.js";
import { openDrawer } from "./sample-drawer.js";

/** Options of drawing. */
export interface GenerateOptions {
  /** samples, a whole number from 1; default 1 */
  count?: number;
  /** class, by number or name, or a task; default all in turn */
  label?: number | string;
  /** what to draw, for a model that is told a text: one for all, or several in turn; default those of its training */
  prompt?: string | readonly string[];
  /** seed of the latents, a whole number from 0; default 0 */
  seed?: number;
  /** sampler steps of a teacher, default 18; a student has its own */
  steps?: number;
  /** classifier-free guidance of a teacher; default 1, none */
  guidance?: number;
  /** what guidance leads away from, for a teacher that is told a text; default no text */
  negativePrompt?: string;
}

/** Drawn samples. */
export interface GeneratedSamples {
  /** images `[N, C, H, W]` in [-1, 1], or points `[N, D]`; the caller disposes of it */
  samples: Tensor;
  /** class of each sample, for a model with classes */
  labels?: number[];
  /** prompt of each sample, for a model that is told a text */
  prompts?: string[];
  /** what is not read of the prompts, a line each: unknown words, too many words */
  unread?: readonly string[];
  /** network evaluations per sample (NFE) */
  evaluations: number;
}

/** A model that is ready to draw. */
export interface LoadedModel {
  /** shape of one shown sample */
  readonly sampleShape: readonly number[];
  /** number of classes, 0 for none */
  readonly classes: number;
  /** Draws samples; the same seed and count give the same. @throws DisbackError naming the option that is wrong */
  generate(options?: GenerateOptions): Promise<GeneratedSamples>;
}

const KNOWN = [
  "count",
  "label",
  "prompt",
  "seed",
  "steps",
  "guidance",
  "negativePrompt",
] as const satisfies (keyof GenerateOptions)[];

/**
 * Opens a model for drawing: a run, a model folder, a shipped model's name, your own ES module, or an exported
 * `.onnx` file.
 *
 * @param options.device where samples are made, default "cpu"
 * @throws DisbackError if it is missing or damaged
 */
export async function load(source: string, options: { device?: Device } = {}): Promise<LoadedModel> {
  const { device = "cpu" } = options;
  if (source.endsWith(".onnx")) return loadOnnx(source);
  const open = ({ label, prompt, seed = 0, steps, guidance, negativePrompt }: GenerateOptions) =>
    openDrawer(source, {
      ...{ device, label, seed, steps, guidance, negativePrompt },
      ...(prompt === undefined ? {} : { prompts: typeof prompt === "string" ? [prompt] : prompt }),
      ...{ sampler: "heun", sigmaMin: 0.002, sigmaMax: 80, rho: 7 },
    });
  const { sampleShape, labelDim } = await open({});
  return {
    sampleShape,
    classes: labelDim,
    async generate(given = {}) {
      const drawer = await open(checked(given));
      const { evaluations, unread } = drawer;
      return {
        ...drawer.draw(given.count ?? 1),
        ...(unread.length > 0 ? { unread } : {}),
        evaluations,
      };
    },
  };
}

async function loadOnnx(path: string): Promise<LoadedModel> {
  const { GenerateError, loadGenerator } = await import("@disback/generate");
  const told = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => {
      throw error instanceof GenerateError ? new DisbackError(error.message) : error;
    });
  const generator = await told(loadGenerator(path));
  const { sampleShape, labelDim, steps = 1 } = generator.description;
  return {
    sampleShape,
    classes: labelDim,
    async generate(given = {}) {
      const { count = 1, ...rest } = checked(given);
      const { values, labels, prompts, unread = [] } = await told(generator.sample({ ...rest, count }));
      const samples = fromTypedArray(values, [count, ...sampleShape]);
      const evaluations = generator.description.kind === "student" ? steps : 2 * (given.steps ?? 18) - 1;
      return {
        samples,
        ...(labels ? { labels: [...labels] } : {}),
        ...(prompts ? { prompts: [...prompts] } : {}),
        ...(unread.length > 0 ? { unread } : {}),
        evaluations,
      };
    },
  };
}

function checked(options: GenerateOptions): GenerateOptions {
  const unknown = Object.keys(options).find((name) => !KNOWN.includes(name as keyof GenerateOptions));
  if (unknown !== undefined)
    throw new DisbackError(`generate: there is no option "${unknown}"${didYouMean(unknown, KNOWN)}`);
  const { count = 1, seed = 0 } = options;
  for (const [name, value, least] of [
    ["count", count, 1],
    ["seed", seed, 0],
  ] as const) {
    if (!Number.isInteger(value) || value < least)
      throw new DisbackError(`generate: "${name}" must be a whole number from ${least}, not ${value}`);
  }
  return options;
}

import type { InferenceSession, TensorConstructor } from "onnxruntime-common";
import type { ModelDescription } from "./description.js";
import { GenerateError } from "./errors.js";
import { heun } from "./heun.js";
import { LatentSource } from "./latent-source.js";
import { noiseLevels, type SamplerOptions, samplerOptions } from "./noise-levels.js";
import { refuseUnknown } from "./options.js";
import { type Images, toImages } from "./pixels.js";
import { describeUnread, type ReadPrompt, readPrompt } from "./prompt.js";

/** What is to be generated. */
export interface GenerateOptions extends SamplerOptions {
  /** how many (default 1) */
  count?: number;
  /** of the random numbers, whole and >= 0 (default 0): the same seed gives the same samples */
  seed?: number;
  /** class to draw; all in turn when not given */
  label?: number | string;
  /** what to draw, for a model that is told a text: one for all, or several in turn; default some of its training */
  prompt?: string | readonly string[];
  /** samples in one pass through the network (default 64) */
  batchSize?: number;
}

const generateOptions = [
  ...(["count", "seed", "label", "prompt", "batchSize"] as const satisfies (keyof GenerateOptions)[]),
  ...samplerOptions,
];

/** Samples as the network makes them. */
export interface Samples {
  /** `[count, ...sampleShape]`, row-major; images in [-1, 1] */
  values: Float32Array;
  count: number;
  /** class of each sample; absent for a model without classes */
  labels?: readonly number[];
  /** prompt of each sample; absent for a model that is told no text */
  prompts?: readonly string[];
  /** what is not read of the prompts, a line each */
  unread?: readonly string[];
}

/**
 * What each sample shows: its class, or the tokens of its prompt (see `readPrompt`); for a model whose text something
 * else encodes, the values of each of its inputs, row-major with the batch first.
 */
export type Shown =
  | readonly number[]
  | readonly (readonly number[])[]
  | Readonly<Record<string, Float32Array>>;

interface Told extends Pick<Samples, "labels" | "prompts" | "unread"> {
  shown?: readonly number[] | number[][];
}

/** An exported model on an ONNX runtime: Node's or a browser's. */
export class OnnxGenerator {
  /** @param Tensor the runtime's constructor of tensors */
  constructor(
    private readonly session: InferenceSession,
    private readonly Tensor: TensorConstructor,
    readonly description: ModelDescription,
  ) {}

  /**
   * Images as bytes.
   * @throws GenerateError if an option is wrong or the model makes no images
   */
  async generate(options: GenerateOptions = {}): Promise<Images> {
    const { values, count: _, ...told } = await this.sample(options);
    return { ...toImages(values, this.description.sampleShape), ...told };
  }

  /**
   * Samples of any kind: by a student in one pass, by a teacher's denoiser with Heun's sampler.
   * @throws GenerateError if an option is wrong
   */
  async sample(options: GenerateOptions = {}): Promise<Samples> {
    refuseUnknown(options, generateOptions);
    const { count = 1, seed = 0, batchSize = 64 } = options;
    whole("count", count, 1);
    whole("seed", seed, 0);
    whole("batchSize", batchSize, 1);
    const { shown, ...told } = this.told(options, count);
    if (this.description.encoded)
      throw new GenerateError(
        `this model is told ${Object.keys(this.description.encoded).join(" and ")} of an encoder: use fromLatents`,
      );
    const size = this.sampleSize;
    const source = new LatentSource(seed, this.latentSize, this.steps);
    const values = new Float32Array(count * size);
    for (let done = 0; done < count; done += batchSize) {
      const batch = Math.min(batchSize, count - done);
      const latents = source.next(batch);
      values.set(await this.fromLatents(latents, shown?.slice(done, done + batch), options), done * size);
    }
    return { values, count, ...told };
  }

  /**
   * Samples from latents of one's own, `[N, ...latentShape]` standard normal, which is `sampleShape` for most models;
   * `[N, steps, ...latentShape]` for a student of several steps.
   * @param shown class or tokens of each, for a model that is told one
   */
  async fromLatents(
    latents: Float32Array,
    shown?: Shown,
    options: SamplerOptions = {},
  ): Promise<Float32Array> {
    if (this.description.kind === "student") {
      const { steps } = this;
      const batch = batchOf(latents, steps * this.latentSize);
      const shape = [batch, ...(steps > 1 ? [steps] : []), ...this.latentShape];
      const tensor = new this.Tensor("float32", latents, shape);
      return this.run({ latents: tensor, ...this.condition(shown, batch) });
    }
    const levels = noiseLevels(options, this.description);
    // Two evaluations for a step; the last one, to noise 0, needs one.
    const total = 2 * (levels.length - 1) - 1;
    let done = 0;
    const denoise = async (x: Float64Array, sigma: number) => {
      const estimate = await this.denoise(Float32Array.from(x), sigma, shown);
      await options.onEvaluation?.(estimate, ++done, total);
      return estimate;
    };
    return heun(denoise, latents, levels);
  }

  /**
   * One evaluation of a teacher, the step that samplers are made of.
   * @param x noisy samples `[N, ...sampleShape]`
   * @param sigma their noise level, a standard deviation > 0
   * @returns the clean samples as far as it can tell, shape of `x`
   * @throws GenerateError if the model is a student
   */
  async denoise(x: Float32Array, sigma: number, shown?: Shown): Promise<Float32Array> {
    if (this.description.kind !== "denoiser") throw new GenerateError("denoise: this model is a student");
    const batch = batchOf(x, this.sampleSize);
    const samples = new this.Tensor("float32", x, [batch, ...this.description.sampleShape]);
    const levels = new this.Tensor("float32", new Float32Array(batch).fill(sigma), [batch]);
    return this.run({ x: samples, sigma: levels, ...this.condition(shown, batch) });
  }

  /** Numbers in one sample. */
  get sampleSize(): number {
    return product(this.description.sampleShape);
  }

  /** Numbers in one latent, for each pass through the network. */
  get latentSize(): number {
    return product(this.latentShape);
  }

  /** Releases the runtime's memory. */
  async dispose(): Promise<void> {
    await this.session.release();
  }

  /** Passes through the network of one student's sample, for each of which there is noise; 1 for a teacher. */
  get steps(): number {
    return this.description.steps ?? 1;
  }

  private get latentShape(): readonly number[] {
    return this.description.latentShape ?? this.description.sampleShape;
  }

  private async run(feeds: InferenceSession.FeedsType): Promise<Float32Array> {
    const results = await this.session.run(feeds);
    const output = results[this.session.outputNames[0]!]!;
    return (await output.getData()) as Float32Array;
  }

  /** The tokens of a prompt. @throws GenerateError if the model is told no text, or knows nothing in it */
  read(prompt: string): ReadPrompt {
    const { text, labelDim } = this.description;
    if (text) return readPrompt(prompt, text);
    throw new GenerateError(`prompt: this model is told no text${labelDim > 0 ? ", but a class" : ""}`);
  }

  private labels(given: number | string | undefined, count: number): number[] | undefined {
    const { labelDim: classes, classNames = [] } = this.description;
    const named = classNames.findIndex((name) => name.toLowerCase() === String(given).toLowerCase());
    const label = named >= 0 ? named : given;
    if (label !== undefined && !(typeof label === "number" && isClass(label, classes))) {
      const names = classNames.length > 0 ? `: ${classNames.join(", ")}` : "";
      const known =
        classes === 0 ? "this model has no classes" : `this model's classes are 0 to ${classes - 1}${names}`;
      throw new GenerateError(`label: ${label} is not possible: ${known}`);
    }
    return classes === 0 ? undefined : Array.from({ length: count }, (_, index) => label ?? index % classes);
  }

  /** What the samples show, as the network takes it and as the caller is told. */
  private told({ label, prompt }: GenerateOptions, count: number): Told {
    const labels = this.labels(label, count);
    const { text } = this.description;
    if (prompt === undefined && !text) return labels ? { shown: labels, labels } : {};
    const given = prompt === undefined ? text!.prompts : typeof prompt === "string" ? [prompt] : prompt;
    if (given.length === 0) throw new GenerateError("prompt: there is none");
    const read = given.slice(0, count).map((one) => this.read(one));
    const places = Array.from({ length: count }, (_, index) => index % read.length);
    return {
      shown: places.map((place) => read[place]!.tokens),
      prompts: places.map((place) => given[place]!),
      unread: prompt === undefined ? [] : read.flatMap((one) => describeUnread(one, text!.textLength)),
    };
  }

  private condition(shown: Shown | undefined, batch: number): InferenceSession.FeedsType {
    const { labelDim: classes, text, encoded } = this.description;
    if (encoded) return this.encodedInputs(encoded, shown, batch);
    if (classes === 0 && !text) return {};
    const what = text ? "the tokens of a prompt" : "a class";
    if (!Array.isArray(shown) || shown.length !== batch)
      throw new GenerateError(`this model needs ${what} for each of ${batch} samples`);
    const width = text?.textLength ?? classes;
    const rows = new Float32Array(batch * width);
    for (const [row, one] of (shown as readonly (number | readonly number[])[]).entries()) {
      if (typeof one === "number") rows[row * width + one] = 1;
      else rows.set(one, row * width);
    }
    return { [text ? "tokens" : "labels"]: new this.Tensor("float32", rows, [batch, width]) };
  }

  private encodedInputs(
    encoded: Readonly<Record<string, readonly number[]>>,
    shown: Shown | undefined,
    batch: number,
  ): InferenceSession.FeedsType {
    const given = (shown ?? {}) as Readonly<Record<string, Float32Array>>;
    const inputs = Object.entries(encoded).map(([name, shape]) => {
      if (given[name]?.length !== batch * product(shape))
        throw new GenerateError(
          `this model needs "${name}" [${shape.join(", ")}] for each of ${batch} samples`,
        );
      return [name, new this.Tensor("float32", given[name], [batch, ...shape])] as const;
    });
    return Object.fromEntries(inputs);
  }
}

function product(shape: readonly number[]): number {
  return shape.reduce((result, size) => result * size, 1);
}

/** @param size numbers for each sample */
function batchOf(values: Float32Array, size: number): number {
  const batch = values.length / size;
  if (Number.isInteger(batch) && batch > 0) return batch;
  throw new GenerateError(`${values.length} numbers are not a whole number of samples of ${size}`);
}

function whole(name: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new GenerateError(`${name}: ${value} is not a whole number of at least ${least}`);
  }
}

function isClass(label: number, classes: number): boolean {
  return Number.isInteger(label) && label >= 0 && label < classes;
}

import type { OnnxGenerator, Shown } from "@disback/generate";
import { fromTypedArray, Generator, inferenceMode, ops, randn, type Tensor } from "@disback/torch";
import { DisbackError } from "../../errors.js";
import { type Condition, classesOf } from "../../models/condition.js";
import type { DenoiserModule } from "../../models/denoiser.js";
import { PromptTokens } from "../../text/prompt-tokens.js";
import type { ExportableModel } from "../exportable.js";
import type { Precision } from "./export-onnx.js";
import { exampleConditions, namedCondition } from "./sources.js";

/** An exported model in ONNX Runtime, compared with libtorch. */
export interface OnnxCheck {
  /** largest difference of an output, in units of the samples (images are -1 to 1) */
  difference: number;
  /** network evaluations per second on this processor, each of one sample */
  rate: number;
  torchRate: number;
}

/** Batch sizes of the check, different from the traced ones; few images, where a decoder makes them. */
const batchOf = ({ decoder }: ExportableModel) => (decoder ? 1 : 8);

/** A sampler's middle noise level, for the check of a teacher. */
const sigma = 0.5;

/** Differences up to this are rounding. The user judges those of f16 and int8. */
const tolerance: Record<Precision, number> = { f32: 1e-4, f16: 0.1, int8: 1 };

/**
 * Runs an exported model in ONNX Runtime and compares it with the original in libtorch.
 * @param written its file, or the file's bytes
 * @throws DisbackError if it differs by more than rounding, or ONNX Runtime refuses it
 */
export async function checkOnnx(
  written: string | Uint8Array,
  model: ExportableModel,
  options: { precision: Precision; threads?: number },
): Promise<OnnxCheck> {
  const { threads } = options;
  const exported = await openExported(written, threads);
  const { facts } = model;
  const labelDim = classesOf(facts);
  const batch = batchOf(model);
  const random = new Generator(0);
  const latents =
    model.student?.latents(batch, random) ?? randn([batch, ...facts.sampleShape], { generator: random });
  const labels = labelDim > 0 ? Array.from({ length: batch }, (_, index) => index % labelDim) : undefined;
  const prompts = facts.text && new PromptTokens(facts.text.prompts.slice(0, batch), facts.text);
  const rows = prompts && Array.from({ length: batch }, (_, index) => index % prompts.length);
  const tokens = rows && prompts.rows(rows, "cpu");
  const known = tokens ?? (labels && oneHot(labels, labelDim));
  const encoded = known ? [known] : exampleConditions(batch, facts, random);
  const condition = namedCondition(facts, encoded);
  const shown = (tokens?.toArray() as number[][] | undefined) ?? labels ?? (condition && valuesOf(condition));
  const ours = timed(() => original(model, latents, condition));
  const theirs = await timedAsync(() => evaluate(exported, latents.data() as Float32Array, shown));
  await exported.dispose();
  const difference = largestDifference(ours.result.data() as Float32Array, theirs.result);
  if (!(difference <= tolerance[options.precision])) {
    throw new DisbackError(
      `export: the written model differs from the original by ${difference.toPrecision(2)}`,
    );
  }
  return { difference, rate: batch / theirs.seconds, torchRate: batch / ours.seconds };
}

/** Loaded only when needed. */
async function openExported(written: string | Uint8Array, threads?: number): Promise<OnnxGenerator> {
  const { GenerateError, loadGenerator } = await import("@disback/generate");
  try {
    return await loadGenerator(written, threads === undefined ? {} : { threads });
  } catch (error) {
    if (error instanceof GenerateError) throw new DisbackError(`export: ${error.message}`);
    throw error;
  }
}

function original(
  { module, student, decoder }: ExportableModel,
  latents: Tensor,
  condition?: Condition,
): Tensor {
  return inferenceMode(() => {
    if (!student) {
      const levels = ops.full([latents.shape[0]!], sigma, "float32");
      return (module as DenoiserModule).denoise(latents, levels, condition);
    }
    const samples = student.generate(latents, condition);
    return decoder ? decoder.module.decoded(samples) : samples;
  });
}

function valuesOf(condition: Condition): Record<string, Float32Array> {
  const entries = Object.entries(condition).map(([name, rows]) => [name, rows.data()]);
  return Object.fromEntries(entries) as Record<string, Float32Array>;
}

function evaluate(exported: OnnxGenerator, latents: Float32Array, shown?: Shown): Promise<Float32Array> {
  if (exported.description.kind === "student") return exported.fromLatents(latents, shown);
  return exported.denoise(latents, sigma, shown);
}

function oneHot(labels: readonly number[], classes: number): Tensor {
  return ops.one_hot(fromTypedArray(BigInt64Array.from(labels, BigInt), [labels.length]), classes).float();
}

/** The second of two runs: the first one prepares. */
function timed<T>(body: () => T): { result: T; seconds: number } {
  body();
  const began = performance.now();
  return { result: body(), seconds: (performance.now() - began) / 1000 };
}

async function timedAsync<T>(body: () => Promise<T>): Promise<{ result: T; seconds: number }> {
  await body();
  const began = performance.now();
  return { result: await body(), seconds: (performance.now() - began) / 1000 };
}

/** NaN if one of them is NaN. */
function largestDifference(a: Float32Array, b: Float32Array): number {
  let largest = 0;
  for (const [index, value] of a.entries()) {
    const difference = Math.abs(value - b[index]!);
    if (!(difference <= largest)) largest = difference;
    if (Number.isNaN(largest)) return largest;
  }
  return largest;
}

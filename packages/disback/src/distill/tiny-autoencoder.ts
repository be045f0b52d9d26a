import { Generator } from "@disback/torch";
import { DisbackError } from "../errors.js";
import { reduction } from "../models/autoencoder/autoencoder-config.js";
import type { AutoencoderKl } from "../models/autoencoder/autoencoder-kl.js";
import { TinyAutoencoder } from "../models/autoencoder-tiny/autoencoder-tiny.js";
import { randomWeights } from "../models/weights.js";
import { KlDecoder, KlEncoder, TinyHalf } from "./autoencoder-halves.js";
import { backtrack } from "./backtrack.js";
import type { BacktrackingOptions } from "./backtracking-options.js";
import { type GeneratorModule, GeneratorStudent } from "./generator-student.js";
import { OutputMatching, type OutputMatchingOptions } from "./objectives/output-matching.js";
import { OutputFit } from "./output-fit.js";
import { record } from "./record.js";
import type { RecordingOptions } from "./recording-options.js";
import type { SamplePool } from "./sample-pool.js";

/** Sizes of a tiny autoencoder. */
export interface TinySizes {
  /** channels of every layer, default 64 as TAESD */
  channels?: number;
  /** blocks of every resolution but the highest, which has one; default 3 as TAESD */
  blocks?: number;
  /** seed of its weights, default 0 */
  seed?: number;
}

/**
 * An untrained tiny autoencoder (TAESD, Boer Bohan 2023) for the scaled latents of a large one: what the one encodes, the
 * other decodes.
 */
export function tinyAutoencoderFor(
  { config }: Pick<AutoencoderKl, "config">,
  { channels = 64, blocks = 3, seed = 0 }: TinySizes = {},
): TinyAutoencoder {
  const { imageChannels, latentChannels } = config;
  const lower = Array<number>(Math.log2(reduction(config))).fill(blocks);
  return new TinyAutoencoder(randomWeights(new Generator(seed)), {
    ...{
      autoencoder: "tiny",
      imageChannels,
      latentChannels,
      encoderChannels: channels,
      decoderChannels: channels,
    },
    ...{ encoderBlocks: [1, ...lower], decoderBlocks: [...lower, 1], enlargement: 2, activation: "relu" },
    // Scaled latents are what it sees and gives.
    ...{ scalingFactor: 1, shiftFactor: 0 },
  });
}

/** Options of distilling one half of an autoencoder. */
export interface TinyHalfOptions {
  /** not changed */
  teacher: AutoencoderKl;
  /** changed in place: the half gets the averaged weights */
  student: TinyAutoencoder;
  half: "encoder" | "decoder";
  /** square pictures in [-1, 1]; a decoder learns from their latents */
  images: SamplePool;
  /** squares alone by default, as TAESD's encoder; its decoder has an adversarial term too */
  matching?: OutputMatchingOptions;
  /** stage 1; without it, no trajectory */
  recording?: Omit<RecordingOptions<GeneratorModule>, "teacher" | "student" | "fit">;
  /** stage 2 */
  backtracking?: Omit<
    BacktrackingOptions<GeneratorModule>,
    "teacher" | "student" | "objective" | "trajectory"
  >;
}

/**
 * Distills one half of an autoencoder into that of a tiny one by TAESD's recipe: the encoder learns the latents of pictures, the
 * decoder the teacher's pictures of latents. With `recording`, the teacher's half first degrades to the untrained student's
 * outputs: nodes of an encoder give latent distributions between the two. The tiny decoder can replace the large one wherever its
 * latents are decoded.
 *
 * @throws DisbackError if the pictures are not square or do not fit the autoencoder
 */
export function distillTinyHalf(options: TinyHalfOptions): void {
  const { student, matching, recording } = options;
  const shared = matchHalves(options);
  const trajectory = recording && record({ ...recording, ...shared, fit: new OutputFit() });
  const objective = new OutputMatching(matching);
  const result = backtrack({ ...options.backtracking, ...shared, objective, trajectory });
  shared.student.module.loadStateDict(result.module.stateDict());
  result.module.dispose();
  student.eval();
}

/**
 * One half of an autoencoder and of a tiny one as teacher and student, which see the same latents: pictures, or those of pictures.
 * They share the autoencoders' weights.
 *
 * @throws DisbackError if the pictures are not square or do not fit the autoencoder
 */
export function matchHalves({
  teacher,
  student,
  half,
  images,
}: Pick<TinyHalfOptions, "teacher" | "student" | "half" | "images">): {
  teacher: GeneratorModule;
  student: GeneratorStudent;
} {
  const [channels, side, width] = images.sampleShape as [number, number, number];
  const factor = reduction(teacher.config);
  if (channels !== teacher.config.imageChannels || side !== width || side % factor !== 0)
    throw new DisbackError(
      `tiny autoencoder: pictures of shape [${images.sampleShape.join(", ")}]; the autoencoder takes ${teacher.config.imageChannels} channels and, here, squares with a side of a multiple of ${factor}`,
    );
  const module = half === "decoder" ? new KlDecoder(teacher, side) : new KlEncoder(teacher, side);
  const made = new TinyHalf(student, half, side);
  const pupil = new GeneratorStudent(made, {
    facts: { sampleShape: module.sampleShape, sigmaData: 1, condition: {} },
    drawLatents: (count, random) => {
      const { samples } = images.draw(count, random);
      return half === "decoder" ? teacher.encode(samples) : samples;
    },
  });
  return { teacher: module, student: pupil };
}

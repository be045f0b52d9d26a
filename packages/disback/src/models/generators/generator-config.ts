import { z } from "zod";
import { DisbackError } from "../../errors.js";
import type { ModelFacts } from "../facts.js";

const count = z.int().positive();

const common = {
  /** numbers in a latent */
  latentSize: count.default(100),
  /** standard deviation of the data */
  sigmaData: z.number().positive().default(0.5),
  /** number of classes, 0 for none */
  labelDim: z.int().nonnegative().default(0),
  /** names of the labelDim classes, in order */
  classNames: z.array(z.string().min(1)).optional(),
  /** of a model for several tasks: how many of the classes are each's, in order */
  tasks: z.record(z.string().min(1), count).optional(),
};

/** Pictures have a side of 4 doubled some times. */
const picture = {
  imageResolution: z
    .int()
    .min(8)
    .max(256)
    .refine((side) => Number.isInteger(Math.log2(side)), "must be a power of 2, from 8 to 256"),
  imageChannels: count,
  /** tanh for pictures in [-1, 1], linear for other samples */
  output: z.enum(["tanh", "linear"]).default("tanh"),
};

const dcgan = z.strictObject({
  network: z.literal("dcgan"),
  ...common,
  ...picture,
  modelChannels: count.default(64),
});

const fastgan = z.strictObject({
  network: z.literal("fastgan"),
  ...common,
  ...picture,
  modelChannels: count.multipleOf(2).default(16),
});

const mlpGenerator = z.strictObject({
  network: z.literal("mlp-generator"),
  ...common,
  /** dimensions of a point */
  dimension: count,
  hiddenChannels: count.default(512),
  layers: count.default(4),
});

const generatorConfig = z
  .discriminatedUnion("network", [dcgan, fastgan, mlpGenerator], {
    error: 'expected "dcgan", "fastgan" or "mlp-generator"',
  })
  .superRefine((config, context) => {
    const { classNames, tasks, labelDim } = config;
    const classes = Object.values(tasks ?? {}).reduce((sum, share) => sum + share, 0);
    if (tasks && classes !== labelDim) {
      const message = `have ${classes} classes, but labelDim is ${labelDim}`;
      context.addIssue({ code: "custom", path: ["tasks"], message, input: config });
    }
    if (!classNames || classNames.length === labelDim) return;
    const message = `has ${classNames.length} names, but labelDim is ${labelDim}`;
    context.addIssue({ code: "custom", path: ["classNames"], message, input: config });
  });

/** A generator's configuration with all defaults filled in: kind of network, sizes, facts of its samples. */
export type GeneratorConfig = z.output<typeof generatorConfig>;
/** A generator's configuration as a user writes it. */
export type GeneratorConfigInput = z.input<typeof generatorConfig>;

const networks: readonly unknown[] = ["dcgan", "fastgan", "mlp-generator"];

/** Whether a configuration is of a generator from a vector, not of a denoiser. */
export function isGeneratorConfig(value: unknown): boolean {
  return networks.includes((value as { network?: unknown } | null)?.network);
}

/**
 * Checks a configuration and fills in defaults.
 * @param origin file name for the message
 * @throws DisbackError naming origin and field
 */
export function parseGeneratorConfig(value: unknown, origin = "generator"): GeneratorConfig {
  const result = generatorConfig.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(
    ({ path, message }) => `${path.map(String).join(".")}${path.length ? ": " : ""}${message}`,
  );
  throw new DisbackError(`${origin}: ${problems.join("; ")}`);
}

/** The facts of a generator with this configuration. */
export function generatorFacts(config: GeneratorConfig): ModelFacts {
  const { sigmaData, labelDim, classNames, tasks } = config;
  const shape =
    config.network === "mlp-generator"
      ? [config.dimension]
      : [config.imageChannels, config.imageResolution, config.imageResolution];
  return {
    ...{ sampleShape: shape, sigmaData, condition: labelDim > 0 ? { class: [labelDim] } : {} },
    ...(classNames ? { classNames } : {}),
    ...(tasks ? { tasks } : {}),
  };
}

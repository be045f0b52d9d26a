import type { RateDecay } from "../training/learning-rate-plan.js";
import type { ImitationOf } from "./decide.js";

/**
 * The defaults of a distillation: one table for the library and the command line. The figures in README were measured
 * with it.
 */
export const defaults = {
  /** before the two stages: the student imitates one step of the teacher */
  imitation: {
    /** largest number of steps of imitating one step of the teacher */
    steps: 300 as number,
    /** ends when the mean squared difference is below this fraction of the variance of the teacher's outputs */
    tolerance: 0.2,
    /** a smaller student of the teacher's architecture starts with the first channels of the teacher's weights */
    inherit: true,
    /** what is imitated: one step of the teacher, or its samples; `auto`: see `decide` */
    of: "auto" as ImitationOf | "auto",
    /** of its samples: how many, and Heun's steps for each; passes over them: see `imitationSteps` */
    pairs: { count: 200, steps: 8 },
    /** squares of the difference, or the loss that the student's denoiser brings */
    loss: "squares" as "squares" | "own",
    batchSize: 32,
    learningRate: 2e-3,
  },
  /** stage 1 */
  recording: {
    /** largest number of steps; a path that has settled ends earlier */
    steps: 200,
    /** steps between nodes, if they are evenly spaced in steps as in the paper */
    interval: 50,
    /** largest number of nodes besides the end of the path, if they are evenly spaced in distance */
    maximumNodes: 6,
    batchSize: 128,
    learningRate: 1e-3,
    /** Adam's betas */
    betas: [0, 0.999] as [number, number],
    /** samples used to measure distances along the path */
    probes: 64,
  },
  /** stage 2 */
  backtracking: {
    iterations: 300,
    /** largest number of student steps per target */
    stepsPerTarget: 20,
    /** mismatch degree at which a target is reached */
    mismatchThreshold: 1.1,
    batchSize: 128,
    studentLearningRate: 1e-4,
    auxiliaryLearningRate: 2e-4,
    /** steps over which both rates rise from 0 */
    rampUp: 0,
    /** how both rates fall, see `LearningRatePlan` */
    decay: "constant" as RateDecay,
    /** step at which they begin to fall */
    decayFrom: 0,
    /** updates of the auxiliary model per student update */
    auxiliarySteps: 1,
    /** Adam's betas, for both models */
    betas: [0, 0.999] as [number, number],
    /** decay of the student's averaged weights per step */
    emaDecay: 0.99,
  },
} as const;

/** Fills in the defaults. An option that is `undefined` counts as not given. */
export function withDefaults<Defaults extends object, Options extends object>(
  defaults: Defaults,
  options: Options,
): Defaults & Pick<Options, Extract<keyof Options, keyof Defaults>> {
  const given = Object.entries(options).filter(([name, value]) => value !== undefined && name in defaults);
  return { ...defaults, ...Object.fromEntries(given) } as never;
}

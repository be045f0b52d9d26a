/**
 * The defaults of a distillation: one table for the library and the command line. The figures in README were measured
 * with it.
 */
export const defaults = {
  /** before the two stages: the student learns to answer as the teacher does in one step */
  imitation: {
    /** steps at most */
    steps: 300,
    /** it ends when the mean squared difference is below this part of the variance of the teacher's answers */
    tolerance: 0.2,
    /** a smaller student of the teacher's kind starts with the first channels of its weights */
    inherit: true,
    batchSize: 32,
    learningRate: 2e-3,
  },
  /** stage 1 */
  recording: {
    /** steps at most; a path that is settled ends earlier */
    steps: 200,
    /** steps between nodes, where they are evenly spaced in steps as in the paper */
    interval: 50,
    /** nodes kept at most beside the path's end, where they are evenly spaced in distance */
    maximumNodes: 6,
    batchSize: 128,
    learningRate: 1e-3,
    /** Adam's */
    betas: [0, 0.999] as [number, number],
    /** samples on which distances along the path are measured */
    probes: 64,
  },
  /** stage 2 */
  backtracking: {
    iterations: 300,
    /** student steps on each target at most */
    stepsPerTarget: 20,
    /** a target is reached at this mismatch degree */
    mismatchThreshold: 1.1,
    batchSize: 128,
    studentLearningRate: 1e-4,
    auxiliaryLearningRate: 2e-4,
    /** updates of the auxiliary model for each of the student */
    auxiliarySteps: 1,
    /** Adam's, of both models */
    betas: [0, 0.999] as [number, number],
    /** decay of the student's averaged weights per step */
    emaDecay: 0.99,
  },
} as const;

/** Options over their defaults; an option that is `undefined` counts as not given. */
export function withDefaults<Defaults extends object, Options extends object>(
  defaults: Defaults,
  options: Options,
): Defaults & Pick<Options, Extract<keyof Options, keyof Defaults>> {
  const given = Object.entries(options).filter(([name, value]) => value !== undefined && name in defaults);
  return { ...defaults, ...Object.fromEntries(given) } as never;
}

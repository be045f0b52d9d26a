import { type Module, noGrad, type Schedule, type State, scope, type Tensor, zeros } from "@disback/torch";
import { LowRankDenoiser } from "../models/adapters/low-rank-denoiser.js";
import type { DenoiserModule } from "../models/denoiser.js";
import { type GuidanceOptions, guided } from "../models/guided-denoiser.js";
import { normalizeWeights } from "../models/normalized.js";
import { requireCounts } from "../training/execution.js";
import { learningRateSchedule } from "../training/learning-rate.js";
import type { BatchPart } from "../training/micro-batches.js";
import { NetworkTrainer } from "../training/network-trainer.js";
import { optionalPart, type Parts, weightsPart } from "../training/parts.js";
import { Training } from "../training/training.js";
import { adapterShape } from "./adapter-nodes.js";
import type { BacktrackingFigures, BacktrackingOptions } from "./backtracking-options.js";
import { defaults, withDefaults } from "./defaults.js";
import { implicitAlignment } from "./implicit-alignment.js";
import type { Carried, Objective } from "./objective.js";
import { DiffInstruct } from "./objectives/diff-instruct.js";
import { deviceOf, draw, generate, partOf, type Student } from "./student.js";
import { StudentTrainer } from "./student-trainer.js";
import { TargetPath } from "./target-path.js";
import { MismatchReached, type TargetSchedule } from "./target-schedule.js";

/** What an update measures: means over this process's batch. */
type Measured =
  | "loss"
  | "gradientNorm"
  | "auxiliaryGradientNorm"
  | "difference"
  | "auxiliaryError"
  | "targetError"
  | "adversarial";

/**
 * Stage 2 of DisBack, distribution backtracking (algorithm 2): the student is distilled against each point of the
 * trajectory in turn, from the most degraded one to the teacher.
 *
 *     D_phi <- D'_N;  for i = N-1, …, 0:  alternate  (a) fit D_phi to the student's samples (eq. 5)
 *                                                    (b) move the student by the objective with target D'_i (eq. 8)
 *
 * Both steps use the same batch of samples: (a) sees them as constants, (b) differentiates through them. If the batch
 * is split into parts, each step generates the parts anew, so that only one part's graph is in memory at a time.
 */
export class Backtracking<
  M extends Module = DenoiserModule,
  S extends Student = Student,
> extends Training<Measured> {
  readonly iterations: number;
  protected readonly trainers: { studentOptimizer: NetworkTrainer; auxiliaryOptimizer?: NetworkTrainer };
  protected readonly parts: Parts;
  protected override readonly rateSchedule: Schedule;
  private readonly student: StudentTrainer<S>;
  private readonly objective: Objective<M>;
  private readonly auxiliary: M | undefined;
  private readonly auxiliarySteps: number;
  private readonly targets: TargetPath<M>;
  private readonly schedule: TargetSchedule;
  private readonly alignment: (() => void) | undefined;
  private readonly guidance: number;
  private readonly guidanceOptions: GuidanceOptions | undefined;

  /** @throws DisbackError naming the option that is wrong */
  constructor(options: BacktrackingOptions<M, S>) {
    const { teacher, student, trajectory, guidance = 1, guidanceOptions, execution } = options;
    const settings = withDefaults(defaults.backtracking, options);
    const { batchSize, betas, iterations, auxiliarySteps } = settings;
    super({ name: "backtracking", batchSize, device: deviceOf(student), execution });
    requireCounts("backtracking", { iterations, auxiliarySteps });
    const { processes } = this;
    const { seed = 0 } = execution ?? {};
    this.iterations = iterations;
    this.rateSchedule = learningRateSchedule(settings);
    this.auxiliarySteps = auxiliarySteps;
    this.guidance = guidance;
    this.guidanceOptions = guidanceOptions;
    this.objective = options.objective ?? (new DiffInstruct() as unknown as Objective<M>);
    this.schedule = options.schedule ?? new MismatchReached();
    this.targets = new TargetPath(teacher, trajectory, options);
    const { objective } = this;
    if (objective.auxiliaryLoss && objective.fitsAuxiliary !== false) {
      const adapters = adapterShape(options.rank ?? objective.rank, student.module, teacher);
      this.auxiliary = this.targets.startOfAuxiliary(adapters, seed); // D_phi <- D'_N
    }
    const { auxiliary } = this;
    this.alignment = implicitAlignment(options.idaDecay, student.module, auxiliary);
    objective.prepare?.({ student, teacher: guided(teacher, guidance, guidanceOptions), auxiliary, seed });
    processes.requireSameWeights("teacher", teacher.parameters());
    const { emaDecay, studentLearningRate } = settings;
    this.student = new StudentTrainer(student, {
      learningRate: studentLearningRate,
      emaDecay,
      betas,
      processes,
    });
    this.trainers = {
      studentOptimizer: this.student.trainer,
      ...(objective.auxiliaryLoss ? { auxiliaryOptimizer: this.auxiliaryTrainer(auxiliary, settings) } : {}),
    };
    this.parts = {
      ...this.student.parts,
      ...(auxiliary ? { auxiliary: weightsPart(auxiliary) } : {}),
      objective: optionalPart(objective),
    };
  }

  get finished(): boolean {
    return this.iteration >= this.iterations;
  }

  /** The student with the average of its weights. This is what is evaluated and kept. */
  get average(): S {
    return this.student.average;
  }

  get networks(): Record<string, Module> {
    const { auxiliary } = this;
    const { module } = this.student.student;
    return {
      student: module,
      ...(auxiliary ? { "auxiliary model": auxiliary } : {}),
      target: this.targets.current,
    };
  }

  /** One or more updates of the auxiliary model, then one of the student. */
  step(): BacktrackingFigures {
    const target = this.targets.position;
    const learningRate = this.rateOf(this.trainers.studentOptimizer);
    const { difference, auxiliaryError, targetError, adversarial, ...others } = this.advance();
    const figures = { ...others, gap: Math.sqrt(difference), mismatch: targetError / auxiliaryError };
    this.targets.advanceIf((steps) => this.schedule.reached({ steps, ...figures })); // i <- i - 1
    return { ...figures, ...(adversarial > 0 ? { adversarial } : {}), target, learningRate };
  }

  protected update(): Record<Measured, Tensor | number> {
    const { batch, random, objective, auxiliary } = this;
    const { student } = this.student;
    const target = guided(this.targets.current, this.guidance, this.guidanceOptions);
    student.module.train();
    const drawBatch = () => draw(student, batch.batchSize, random); // z ~ N(0, I), c
    const carried = new Map<BatchPart, Carried>(batch.parts.map((part) => [part, {}])); // x_t, D_phi(x_t; sigma)

    // (a) D_phi learns the student's distribution: min E lambda(sigma) |D_phi(x0 + sigma n; sigma) - x0|^2 (eq. 5)
    const fit = (drawn: ReturnType<typeof drawBatch>, made?: Tensor, left?: typeof carried) =>
      this.trainers.auxiliaryOptimizer?.update(batch, (part) => {
        const { latents, condition } = partOf(drawn, part);
        const samples = made?.detach() ?? noGrad(() => generate(student, partOf(drawn, part))); // x0 = G(z)
        const models = { auxiliary: auxiliary?.train() ?? target, target };
        const carry = left ? { carried: left.get(part)! } : {};
        const input = { samples, latents, condition, ...models, ...carry, random: part.random };
        const loss = objective.auxiliaryLoss!(input);
        return { loss, figures: { loss } };
      });
    for (let extra = 1; extra < this.auxiliarySteps; extra++) scope(() => fit(drawBatch()));
    const drawn = drawBatch();
    // A batch in one part is generated once, with its graph; (a) takes it as a constant. A student of adapters stands on
    // a large base: its graph is not held beside the auxiliary model's.
    const holds = batch.parts.length === 1 && !(student.module instanceof LowRankDenoiser);
    const made = holds ? generate(student, drawn) : undefined;
    const fitted = fit(drawn, made, carried);

    // (b) the student moves by dL/dx0 = w(sigma) (D_phi(x_t; sigma) - D'_i(x_t; sigma)), x_t = x0 + sigma n (eq. 8)
    const moved = this.student.update(batch, (part: BatchPart) => {
      const { latents, condition } = partOf(drawn, part);
      const samples = made ?? generate(student, partOf(drawn, part));
      const seen = { samples, latents, condition, random: part.random, carried: carried.get(part)! };
      const models = { auxiliary: auxiliary?.eval() ?? target, target, student };
      const { gradient, loss, adversarial, ...figures } = objective.studentSignal({ ...seen, ...models });
      const told = adversarial ?? zeros([], { device: this.device });
      return { loss, injected: gradient && [samples, gradient], figures: { ...figures, adversarial: told } };
    });
    for (const { estimate } of carried.values())
      for (const tensor of Object.values(estimate ?? {})) tensor.dispose();
    const { norm: gradientNorm, ...seen } = moved;
    const { loss, norm: auxiliaryGradientNorm } = fitted ?? { loss: seen.auxiliaryError, norm: 0 };
    return { loss, gradientNorm, auxiliaryGradientNorm, ...seen };
  }

  protected override get circumstances(): readonly unknown[] {
    return [this.targets.current];
  }

  protected override afterUpdate(): void {
    this.alignment?.(); // phi <- decay phi + (1 - decay) theta (SenseFlow)
    this.student.updateAverage();
  }

  protected override values(): State["values"] {
    return { targets: this.targets.state() };
  }

  protected override loadValues({ values }: State): void {
    this.targets.loadState(values.targets);
  }

  private auxiliaryTrainer(
    auxiliary: M | undefined,
    { auxiliaryLearningRate, betas }: { auxiliaryLearningRate: number; betas: [number, number] },
  ): NetworkTrainer {
    const { processes, objective } = this;
    const learningRate = auxiliaryLearningRate * (objective.learningRateFactor ?? 1);
    const parameters = [...(auxiliary?.parameters() ?? []), ...(objective.parameters?.() ?? [])];
    const afterStep = () => auxiliary && normalizeWeights(auxiliary);
    return new NetworkTrainer(parameters, {
      learningRate,
      betas,
      processes,
      afterStep,
      name: auxiliary ? "auxiliary model" : "discriminator",
    });
  }

  /** Releases everything but the student. */
  override dispose(): void {
    super.dispose();
    this.auxiliary?.dispose();
    this.objective.dispose?.();
    this.student.dispose();
    this.targets.dispose();
  }

  /** A copy of the averaged student. It outlives this object. */
  result(): S {
    return this.student.result();
  }
}

/** Distills to the end. @returns the student with the average of its weights */
export function backtrack<M extends Module = DenoiserModule, S extends Student = Student>(
  options: BacktrackingOptions<M, S>,
): S {
  const backtracking = new Backtracking(options);
  while (!backtracking.finished) backtracking.step();
  const result = backtracking.result();
  backtracking.dispose();
  return result;
}

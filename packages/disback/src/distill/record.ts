import {
  Generator,
  inferenceMode,
  type Module,
  mergeStates,
  noGrad,
  type State,
  scope,
  type Tensor,
  zeros,
} from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { DenoiserModule } from "../models/denoiser.js";
import { normalizeWeights } from "../models/normalized.js";
import { requireCounts } from "../training/execution.js";
import { MicroBatches } from "../training/micro-batches.js";
import { NetworkTrainer, type NetworkTrainerOptions } from "../training/network-trainer.js";
import { type Parts, weightsPart } from "../training/parts.js";
import { Training } from "../training/training.js";
import { type AdapterShape, adapterShape, adaptersOn } from "./adapter-nodes.js";
import { defaults, withDefaults } from "./defaults.js";
import { DenoisingFit } from "./denoising-fit.js";
import type { Fit } from "./fit.js";
import { NodeRecorder } from "./node-recorder.js";
import { EvenDistance, type NodeSelection, StepNodes } from "./node-selection.js";
import type { NodeStorage } from "./node-storage.js";
import type { RecordingFigures, RecordingOptions } from "./recording-options.js";
import { requireFitting, type SamplePool } from "./sample-pool.js";
import { deviceOf, draw, generate, type Student } from "./student.js";
import { Trajectory } from "./trajectory.js";
import { shortenStep, TrustRegion } from "./trust-region.js";

/** The trial of a trust region ends when the last half of its steps added less than this share of its length. */
const settledShare = 0.05;

/**
 * Stage 1 of DisBack, degradation recording (algorithm 1, eq. 7): a copy of the teacher is fitted to the samples of the
 * untrained student. Points along this path are saved as nodes.
 *
 *     D' <- teacher;   x0 = G0(z);   minimise E lambda(sigma) |D'(x0 + sigma n; sigma) - x0|^2
 *
 * With samples y of the teacher, step k of K takes `(1 - k / K) y + k / K G0(z)` for x0 (our own).
 */
export class Recording<M extends Module = DenoiserModule> extends Training<"loss" | "gradientNorm"> {
  readonly trajectory: Trajectory;
  readonly steps: number;
  protected readonly trainers: { optimizer: NetworkTrainer };
  protected readonly parts: Parts;
  private readonly student: Student;
  private readonly degraded: M;
  private readonly fit: Fit<M>;
  private readonly recorder: NodeRecorder<M>;
  private readonly region: TrustRegion | undefined;
  private readonly teacherSamples: SamplePool | undefined;
  /** how far from the teacher's samples to the student's, `[]` */
  private readonly share: Tensor;
  private readonly scout: () => number;

  /** @throws DisbackError naming the option that is wrong, or the folder in use */
  constructor(options: RecordingOptions<M>) {
    const { teacher, student, folder, nodes, resume = false, execution } = options;
    const adapters = adapterShape(options.rank, student.module, teacher);
    const { steps, batchSize, learningRate, betas, probes } = withDefaults(defaults.recording, options);
    super({ name: "recording", batchSize, device: deviceOf(student), execution });
    requireCounts("recording", { steps, probes });
    const { seed = 0 } = execution ?? {};
    const { processes } = this;
    this.steps = steps;
    this.student = student;
    // Batch normalizations must not count the recording's samples, or a resumed run would differ.
    student.module.eval();
    this.fit = options.fit ?? (new DenoisingFit() as unknown as Fit<M>);
    this.degraded = (adapters ? adaptersOn(teacher, adapters, seed + 3) : teacher.clone()).train();
    this.degraded.requiresGrad_(true);
    this.parts = { degraded: weightsPart(this.degraded) };
    processes.requireSameWeights("student", student.module.parameters());
    const optimizer = { learningRate, betas, processes, name: "degraded teacher" };
    this.trainers = { optimizer: this.trainerOf(this.degraded, optimizer) };
    // Probes use their own random stream, so measuring does not change what is recorded.
    const outline = scope(() =>
      this.fit.outline(this.sample(probes, new Generator(seed + 1, deviceOf(student))), seed + 2),
    );
    const selection = Array.isArray(nodes)
      ? new StepNodes(nodes, steps)
      : ((nodes as EvenDistance | undefined) ?? new EvenDistance());
    // A selection changes while it works: the manifest names its rule.
    const rule = Array.isArray(nodes) ? nodes : selectionName(selection);
    const origin = { ...options.provenance, seed, steps, batchSize, learningRate, betas };
    this.trajectory = Trajectory.begin(folder, teacher, {
      ...{ resume, processes, storage: storageOf(options, adapters) },
      provenance: { ...origin, nodes: rule, recordedAt: new Date().toISOString() },
    });
    this.recorder = new NodeRecorder(this.trajectory, selection, outline, processes, this.degraded);
    this.region = selection instanceof TrustRegion ? selection : undefined;
    if (this.region && steps < 2 * this.region.count)
      throw new DisbackError(
        `recording: "steps" must be at least twice the number of nodes (${this.region.count}), not ${steps}`,
      );
    // A stream of its own, so that a resumed recording that does not repeat the trial draws the same.
    this.teacherSamples = options.teacherSamples;
    this.share = zeros([], { device: this.device });
    if (this.teacherSamples) requireFitting(this.teacherSamples, student, "recording");
    if (this.teacherSamples && this.region)
      throw new DisbackError('recording: "teacherSamples" cannot be used with a trust region');
    this.scout = () => {
      const random = processes.random(seed + 4, this.device);
      const { batchSize } = this.batch;
      return this.lengthOfWay(
        optimizer,
        new MicroBatches({ batchSize, microBatch: execution?.microBatch, random }),
      );
    };
  }

  get finished(): boolean {
    return this.recorder.ended || this.iteration >= this.steps;
  }

  get networks(): Record<string, Module> {
    return { "degraded teacher": this.degraded };
  }

  /** One step of the fit. Saves a node when one is due. */
  step(): RecordingFigures {
    const { learningRate } = this.trainers.optimizer;
    if (this.region && !this.region.measured) this.region.measure(this.scout());
    const figures = this.region ? this.within(this.region, () => this.advance()) : this.advance();
    this.recorder.look({
      ...{ model: this.degraded, step: this.iteration, loss: figures.loss },
      last: this.iteration >= this.steps,
    });
    return { ...figures, learningRate };
  }

  protected override beforeUpdate(): void {
    this.share.fill_((this.iteration + 1) / this.steps);
  }

  /** One update of the teacher's copy (algorithm 1, line 5). */
  protected update() {
    return this.fitted(this.degraded, this.trainers.optimizer, this.batch);
  }

  private fitted(model: M, trainer: NetworkTrainer, batches: MicroBatches) {
    const { loss, norm } = trainer.update(batches, ({ count, random }) => {
      const batch = this.teacherSamples
        ? this.between(this.teacherSamples, count, random)
        : this.sample(count, random); // x0 = G0(z)
      const loss = this.fit.loss(model.train(), batch, random); // eq. 7
      return { loss, figures: { loss } };
    });
    return { loss, gradientNorm: norm };
  }

  private trainerOf(model: M, options: NetworkTrainerOptions): NetworkTrainer {
    return new NetworkTrainer(model.parameters(), { ...options, afterStep: () => normalizeWeights(model) });
  }

  /** Makes a step, and shortens it to end at most one spacing from the last node. */
  private within<Figures>(region: TrustRegion, step: () => Figures): Figures {
    const { degraded, recorder } = this;
    return scope(() => {
      const before: Tensor[] = noGrad(() => degraded.parameters().map((weight) => weight.clone()));
      const figures = step();
      shortenStep(degraded, {
        ...{ before, limit: region.spacing, distance: () => recorder.distance(degraded) },
        afterChange: () => normalizeWeights(degraded),
      });
      return figures;
    });
  }

  /** How far a copy goes in a trial without a limit, until most of it is done: twice the steps change little. */
  private lengthOfWay(options: NetworkTrainerOptions, batches: MicroBatches): number {
    const trial = this.degraded.clone() as M;
    const trainer = this.trainerOf(trial, options);
    let way = 0;
    for (let done = 0, mark = 8; done < this.steps; mark *= 2) {
      for (; done < Math.min(mark, this.steps); done++)
        scope(() => void this.fitted(trial, trainer, batches));
      const before = way;
      way = this.recorder.distance(trial);
      if (way - before < settledShare * way) break;
    }
    trainer.dispose();
    trial.dispose();
    return way;
  }

  private sample(count: number, random: Generator) {
    const drawn = draw(this.student, count, random);
    const { condition, latents } = drawn;
    return { samples: inferenceMode(() => generate(this.student, drawn)), condition, latents };
  }

  /** Samples on the way from the teacher's to the student's, of the same conditions. */
  private between(pool: SamplePool, count: number, random: Generator) {
    const { student } = this;
    const { samples, condition } = pool.draw(count, random);
    const drawn = { condition, latents: student.latents(count, random), steps: student.drawSteps(random) };
    const made = inferenceMode(() => generate(student, drawn));
    return { samples: samples.lerp(made.clone(), this.share), condition, latents: drawn.latents };
  }

  override state(): State {
    return mergeStates(super.state(), this.recorder.state());
  }

  override loadState(state: State): void {
    super.loadState(state);
    this.recorder.loadState(state);
  }

  /** Releases the copy of the teacher and its optimizer. */
  override dispose(): void {
    super.dispose();
    this.degraded.dispose();
    this.recorder.dispose();
    this.share.dispose();
  }
}

/** How nodes are stored; adapters as they are. */
function storageOf(
  { storage }: { storage?: NodeStorage },
  adapters: AdapterShape | undefined,
): NodeStorage | undefined {
  if (!adapters) return storage;
  if (storage !== undefined)
    throw new DisbackError('recording: "storage" has no effect with a "rank": nodes are stored as adapters');
  return { kind: "adapters", ...adapters };
}

function selectionName(selection: NodeSelection): string {
  if (selection instanceof TrustRegion) return `${selection.count} pieces of equal length`;
  return selection instanceof EvenDistance ? "even distance" : "a rule of the caller";
}

/** Records a whole trajectory. @see Recording */
export function record<M extends Module = DenoiserModule>(options: RecordingOptions<M>): Trajectory {
  const recording = new Recording(options);
  while (!recording.finished) recording.step();
  recording.dispose();
  return recording.trajectory;
}

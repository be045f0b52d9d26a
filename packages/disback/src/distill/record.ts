import { Generator, inferenceMode, type Module, mergeStates, type State, scope } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { DenoiserModule } from "../models/denoiser.js";
import { normalizeWeights } from "../models/normalized.js";
import { requireCounts } from "../training/execution.js";
import { NetworkTrainer } from "../training/network-trainer.js";
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
import { deviceOf, draw, generate, type Student } from "./student.js";
import { Trajectory } from "./trajectory.js";

/**
 * Stage 1 of DisBack, degradation recording (algorithm 1, eq. 7): a copy of the teacher is fitted to the samples of the
 * untrained student. Points along this path are saved as nodes.
 *
 *     D' <- teacher;   x0 = G0(z);   minimise E lambda(sigma) |D'(x0 + sigma n; sigma) - x0|^2
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
    const afterStep = () => normalizeWeights(this.degraded);
    const optimizer = { learningRate, betas, processes, afterStep, name: "degraded teacher" };
    this.trainers = { optimizer: new NetworkTrainer(this.degraded.parameters(), optimizer) };
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
    const figures = this.advance();
    this.recorder.look({
      ...{ model: this.degraded, step: this.iteration, loss: figures.loss },
      last: this.iteration >= this.steps,
    });
    return { ...figures, learningRate };
  }

  /** One update of the teacher's copy (algorithm 1, line 5). */
  protected update() {
    const { loss, norm } = this.trainers.optimizer.update(this.batch, ({ count, random }) => {
      const batch = this.sample(count, random); // x0 = G0(z)
      const loss = this.fit.loss(this.degraded.train(), batch, random); // eq. 7
      return { loss, figures: { loss } };
    });
    return { loss, gradientNorm: norm };
  }

  private sample(count: number, random: Generator) {
    const drawn = draw(this.student, count, random);
    const { condition, latents } = drawn;
    return { samples: inferenceMode(() => generate(this.student, drawn)), condition, latents };
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
  return selection instanceof EvenDistance ? "even distance" : "a rule of the caller";
}

/** Records a whole trajectory. @see Recording */
export function record<M extends Module = DenoiserModule>(options: RecordingOptions<M>): Trajectory {
  const recording = new Recording(options);
  while (!recording.finished) recording.step();
  recording.dispose();
  return recording.trajectory;
}

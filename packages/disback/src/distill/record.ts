import {
  extractState,
  Generator,
  generatorState,
  inferenceMode,
  loadGeneratorState,
  mergeStates,
  prefixState,
  type State,
  scope,
  stateNumber,
  stateTensor,
  type Tensor,
} from "@disback/torch";
import type { DenoiserModule } from "../models/denoiser.js";
import { LowRankDenoiser } from "../models/low-rank.js";
import { denoisingLoss } from "./denoising-loss.js";
import { seedDropout } from "./dropout.js";
import { MicroBatches } from "./micro-batches.js";
import { NetworkTrainer } from "./network-trainer.js";
import { evenSteps, requireNodeSteps } from "./node-schedule.js";
import { type NodeSelection, type RecordingView, StepNodes } from "./node-selection.js";
import type { NodeStorage } from "./node-storage.js";
import { LogNormal, type NoiseDistribution } from "./noise-distribution.js";
import { Outlines } from "./outlines.js";
import { PathDistance } from "./path-distance.js";
import { Processes } from "./processes.js";
import type { StudentGenerator } from "./student-generator.js";
import { TrainingStep } from "./training-step.js";
import { Trajectory } from "./trajectory.js";

export interface RecordingOptions {
  /** the teacher; it is copied, not changed */
  teacher: DenoiserModule;
  /** the untrained student; it is not changed */
  generator: StudentGenerator;
  /** where the trajectory goes */
  folder: string;
  /** steps for which the teacher's copy is fitted to the student, default 40 */
  steps?: number;
  /** steps between nodes, as in the paper, default 10 */
  interval?: number;
  /** instead of `interval`: the steps after which nodes are saved, ascending */
  nodeSteps?: readonly number[];
  /** instead of both: another rule for what becomes a node; it may end the recording before `steps` */
  selection?: NodeSelection;
  /** samples per step, of all processes together, default 128 */
  batchSize?: number;
  /** samples that go through the networks at once in each process, at most; default the whole batch */
  microBatch?: number | undefined;
  /** only low-rank adapters of this rank are fitted, see `LowRankDenoiser`; all weights when not given */
  rank?: number | undefined;
  /** Adam's learning rate, default 2e-4; adapters want about ten times as much */
  learningRate?: number;
  /** Adam's betas, default [0, 0.999] */
  betas?: [number, number];
  /** noise levels, default EDM's log-normal */
  noise?: NoiseDistribution;
  /** standard deviation of the data, default 0.5 */
  sigmaData?: number;
  /** whether steps are recorded and replayed, as of `Backtracking`; default false */
  graphs?: boolean | undefined;
  /** decides every random number, default 0 */
  seed?: number;
  /** how nodes are stored, default `difference`: half the size, and the outcome is the same (docs/trajectories.md) */
  storage?: NodeStorage;
  /** samples on which distances along the path are measured, default 64 */
  probes?: number;
  /** what the caller knows of the origin: kept in the manifest */
  provenance?: Record<string, unknown>;
  /** the folder holds the beginning of this very recording, and `loadState` will follow; default false */
  resume?: boolean;
  /** those that record together, default this one alone; the first one writes the trajectory */
  processes?: Processes;
}

/**
 * Stage 1 of DisBack, degradation recording (algorithm 1, eq. 7): a copy of the teacher is fitted to the samples of
 * the untrained student, and saved on the way.
 *
 *     D' <- teacher;   x0 = G0(z);   minimise E lambda(sigma) |D'(x0 + sigma n; sigma) - x0|^2
 */
export class Recording {
  readonly trajectory: Trajectory;
  readonly steps: number;
  private done = 0;
  private readonly student: StudentGenerator;
  private readonly degraded: DenoiserModule;
  private readonly trainer: NetworkTrainer;
  private readonly random: Generator;
  private readonly noise: NoiseDistribution;
  private readonly sigmaData: number;
  private readonly processes: Processes;
  private readonly batch: MicroBatches;
  private readonly training: TrainingStep<"loss" | "norm">;
  private readonly selection: NodeSelection;
  private readonly distance: PathDistance;
  private readonly outlines: Outlines;
  /** the last node's, or the teacher's: distances are measured from it */
  private outline: Tensor;
  private ended = false;

  /** @throws DisbackError naming the option that is wrong, or the folder in use */
  constructor(options: RecordingOptions) {
    const { teacher, generator, folder, seed = 0, steps = 40, interval = 10, batchSize = 128 } = options;
    const { learningRate = 2e-4, betas = [0, 0.999], probes = 64 } = options;
    const nodeSteps = options.nodeSteps ?? evenSteps(steps, interval);
    requireNodeSteps(nodeSteps, steps);
    this.steps = steps;
    this.student = generator;
    const { rank } = options;
    this.degraded =
      rank === undefined
        ? teacher.clone().train().requiresGrad_(true)
        : new LowRankDenoiser(teacher, { rank, generator: new Generator(seed + 3) });
    const { processes = new Processes() } = options;
    this.processes = processes;
    processes.requireSameWeights("student", generator.denoiser.parameters());
    this.trainer = new NetworkTrainer(this.degraded.parameters(), {
      ...{ learningRate, betas, processes, name: "degraded teacher" },
    });
    this.random = processes.random(seed, generator.device);
    this.noise = options.noise ?? new LogNormal();
    this.sigmaData = options.sigmaData ?? 0.5;
    this.batch = new MicroBatches({
      ...{ batchSize: processes.share(batchSize, "recording.batchSize"), random: this.random },
      microBatch: options.microBatch,
    });
    this.training = new TrainingStep({
      graphs: options.graphs,
      device: generator.device,
      batch: this.batch,
      processes,
    });
    this.selection = options.selection ?? new StepNodes(nodeSteps);
    // Probes have a stream of their own: measuring does not change what is recorded.
    this.distance = scope(() => {
      const { samples, condition } = this.sample(probes, new Generator(seed + 1, generator.device));
      return new PathDistance(samples, condition, this.noise, this.sigmaData, seed + 2);
    });
    this.outlines = new Outlines(this.distance);
    this.outline = this.outlines.measure(this.degraded.eval());
    this.selection.begin(this.outline);
    const { sigmaInit, laterSigmas } = generator;
    const provenance = {
      ...options.provenance,
      ...{ seed, steps, batchSize, learningRate, betas, sigmaInit, laterSigmas },
      nodes: options.selection ? "even distance" : nodeSteps,
      recordedAt: new Date().toISOString(),
    };
    const { storage = { kind: "difference" } } = options;
    if (!processes.leads) this.trajectory = Trajectory.follow(folder, teacher);
    else if (options.resume) this.trajectory = Trajectory.resume(folder, teacher);
    else this.trajectory = Trajectory.create(folder, teacher, provenance, storage);
  }

  get iteration(): number {
    return this.done;
  }

  get finished(): boolean {
    return this.ended || this.done >= this.steps;
  }

  /** One step of the fit; saves a node when one is due. @returns the denoising loss per element, the norm of its gradient, and the rate used */
  step(): { loss: number; gradientNorm: number; learningRate: number } {
    const figures = scope(() => {
      seedDropout(this.random, this.student.device);
      const { loss, norm } = this.training.run([this.trainer.learningRate], () => this.update());
      return this.processes.average({ loss, gradientNorm: norm });
    });
    this.done++;
    this.look(figures.loss);
    return { ...figures, learningRate: this.trainer.learningRate };
  }

  /** The network of the next step by name, to look at. */
  get networks(): Record<string, DenoiserModule> {
    return { "degraded teacher": this.degraded };
  }

  /** Multiplies the learning rate. */
  scaleLearningRate(factor: number): void {
    this.trainer.learningRate *= factor;
  }

  /** All that the next steps depend on. */
  state(): State {
    return mergeStates(
      prefixState("degraded", { tensors: this.degraded.stateDict(), values: {} }),
      prefixState("optimizer", this.trainer.state()),
      prefixState("random", generatorState(this.random)),
      prefixState("selection", this.selection.state()),
      {
        tensors: new Map([["outline", this.outline]]),
        values: { iteration: this.done, ended: this.ended, nodes: [...this.trajectory.nodes] },
      },
    );
  }

  /** Goes on from a saved state; nodes saved after it are made again. */
  loadState(state: State): void {
    this.degraded.loadStateDict(extractState("degraded", state).tensors);
    this.trainer.loadState(extractState("optimizer", state));
    loadGeneratorState(this.random, extractState("random", state));
    const selection = extractState("selection", state);
    const tensors = new Map([...selection.tensors].map(([key, saved]) => [key, this.outlines.copy(saved)]));
    this.selection.loadState({ ...selection, tensors });
    this.outline = this.outlines.copy(stateTensor(state, "outline"));
    this.releaseOutlines();
    this.done = stateNumber(state, "iteration");
    this.ended = state.values.ended === true;
    this.trajectory.restore(state.values.nodes);
  }

  /** One update of the teacher's copy. */
  private update() {
    return this.trainer.update(this.batch, ({ count, random }) => {
      const { samples, condition } = this.sample(count, random);
      const loss = denoisingLoss(this.degraded.train(), samples, this.noise, {
        generator: random,
        condition,
        sigmaData: this.sigmaData,
      });
      return { loss, figures: { loss } };
    });
  }

  private sample(count: number, random: Generator): { samples: Tensor; condition: Tensor | undefined } {
    const condition = this.student.conditions(count, random);
    const latents = this.student.latents(count, random);
    const steps = this.student.drawSteps(random);
    return { samples: inferenceMode(() => this.student.generate(latents, condition, steps)), condition };
  }

  /** Lets the selection look at where the path is now. */
  private look(loss: number): void {
    let outline: Tensor | undefined;
    const view: RecordingView = {
      step: this.done,
      trajectory: this.trajectory,
      outline: () => {
        outline ??= this.outlines.measure(this.degraded.eval());
        return outline;
      },
      between: (a, b) => this.processes.agree(this.distance.between(a, b)),
    };
    const kept = this.selection.keep(view);
    this.ended = this.selection.settled(view);
    const last = this.finished && this.trajectory.nodes.at(-1)?.step !== this.done;
    if (kept || last) {
      const distance = view.between(this.outline, view.outline());
      this.outline = view.outline();
      const adapted = this.degraded instanceof LowRankDenoiser ? this.degraded.merged() : undefined;
      this.trajectory.append(adapted ?? this.degraded, { step: this.done, distance, loss });
      adapted?.dispose();
    }
    this.releaseOutlines();
    if (this.finished) this.trajectory.prune();
  }

  /** A selection's state names the outlines it holds. */
  private releaseOutlines(): void {
    this.outlines.retain([this.outline, ...this.selection.state().tensors.values()]);
  }

  /** Releases the copy of the teacher and what belongs to it. */
  dispose(): void {
    this.training.dispose();
    this.trainer.dispose();
    this.degraded.dispose();
    this.outlines.retain([]);
    this.distance.dispose();
  }
}

/** Records a whole trajectory. @see Recording */
export function record(options: RecordingOptions): Trajectory {
  const recording = new Recording(options);
  while (!recording.finished) recording.step();
  recording.dispose();
  return recording.trajectory;
}

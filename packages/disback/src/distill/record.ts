import {
  Adam,
  extractState,
  Generator,
  generatorState,
  inferenceMode,
  loadGeneratorState,
  mergeStates,
  prefixState,
  replaceNonFiniteGradients,
  type State,
  scope,
  stateNumber,
  type Tensor,
} from "@disback/torch";
import type { DenoiserModule } from "../models/denoiser.js";
import { denoisingLoss } from "./denoising-loss.js";
import { seedDropout } from "./dropout.js";
import { evenSteps, requireNodeSteps } from "./node-schedule.js";
import { LogNormal, type NoiseDistribution } from "./noise-distribution.js";
import { PathDistance } from "./path-distance.js";
import type { StudentGenerator } from "./student-generator.js";
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
  /** samples per step, default 128 */
  batchSize?: number;
  /** Adam's learning rate, default 2e-4 */
  learningRate?: number;
  /** Adam's betas, default [0, 0.999] */
  betas?: [number, number];
  /** noise levels, default EDM's log-normal */
  noise?: NoiseDistribution;
  /** standard deviation of the data, default 0.5 */
  sigmaData?: number;
  /** decides every random number, default 0 */
  seed?: number;
  /** samples on which distances along the path are measured, default 64 */
  probes?: number;
  /** what the caller knows of the origin: kept in the manifest */
  provenance?: Record<string, unknown>;
  /** the folder holds the beginning of this very recording, and `loadState` will follow; default false */
  resume?: boolean;
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
  private readonly parameters: Tensor[];
  private readonly optimizer: Adam;
  private readonly random: Generator;
  private readonly noise: NoiseDistribution;
  private readonly sigmaData: number;
  private readonly batchSize: number;
  private readonly nodeSteps: ReadonlySet<number>;
  private readonly distance: PathDistance;
  private outline: Tensor;

  /** @throws DisbackError naming the option that is wrong, or the folder in use */
  constructor(options: RecordingOptions) {
    const { teacher, generator, folder, seed = 0, steps = 40, interval = 10, batchSize = 128 } = options;
    const { learningRate = 2e-4, betas = [0, 0.999], probes = 64 } = options;
    const nodeSteps = options.nodeSteps ?? evenSteps(steps, interval);
    requireNodeSteps(nodeSteps, steps);
    this.steps = steps;
    this.student = generator;
    this.degraded = teacher.clone().train().requiresGrad_(true);
    this.parameters = this.degraded.parameters();
    this.optimizer = new Adam(this.parameters, { lr: learningRate, betas });
    this.random = new Generator(seed, generator.device);
    this.noise = options.noise ?? new LogNormal();
    this.sigmaData = options.sigmaData ?? 0.5;
    this.batchSize = batchSize;
    this.nodeSteps = new Set(nodeSteps);
    // Probes have a stream of their own: measuring does not change what is recorded.
    const { samples, condition } = this.sample(probes, new Generator(seed + 1, generator.device));
    this.distance = new PathDistance(samples, condition, this.noise, this.sigmaData, seed + 2);
    this.outline = this.distance.outline(this.degraded.eval());
    const { sigmaInit } = generator;
    this.trajectory = options.resume
      ? Trajectory.open(folder)
      : Trajectory.create(folder, teacher, {
          ...options.provenance,
          ...{ seed, steps, nodeSteps, batchSize, learningRate, betas, sigmaInit },
          recordedAt: new Date().toISOString(),
        });
  }

  get iteration(): number {
    return this.done;
  }

  get finished(): boolean {
    return this.done >= this.steps;
  }

  /** One step of the fit; saves a node when one is due. @returns the denoising loss per element */
  step(): { loss: number } {
    const loss = scope(() => {
      seedDropout(this.random, this.student.device);
      const { samples, condition } = this.sample(this.batchSize, this.random);
      const loss = denoisingLoss(this.degraded.train(), samples, this.noise, {
        generator: this.random,
        condition,
        sigmaData: this.sigmaData,
      });
      this.optimizer.zeroGrad();
      loss.backward();
      replaceNonFiniteGradients(this.parameters);
      this.optimizer.step();
      return loss.item();
    });
    this.done++;
    if (this.nodeSteps.has(this.done)) this.saveNode(loss);
    return { loss };
  }

  /** All that the next steps depend on. */
  state(): State {
    return mergeStates(
      prefixState("degraded", { tensors: this.degraded.stateDict(), values: {} }),
      prefixState("optimizer", this.optimizer.state()),
      prefixState("random", generatorState(this.random)),
      { tensors: new Map([["outline", this.outline]]), values: { iteration: this.done } },
    );
  }

  /** Goes on from a saved state; nodes saved after it are made again. */
  loadState(state: State): void {
    this.degraded.loadStateDict(extractState("degraded", state).tensors);
    this.optimizer.loadState(extractState("optimizer", state));
    loadGeneratorState(this.random, extractState("random", state));
    inferenceMode(() => this.outline.copy_(state.tensors.get("outline")!));
    this.done = stateNumber(state, "iteration");
    this.trajectory.truncate(this.done);
  }

  private sample(count: number, random: Generator): { samples: Tensor; condition: Tensor | undefined } {
    const condition = this.student.conditions(count, random);
    const latents = this.student.latents(count, random);
    return { samples: inferenceMode(() => this.student.generate(latents, condition)), condition };
  }

  private saveNode(loss: number): void {
    const outline = this.distance.outline(this.degraded.eval());
    const distance = this.distance.between(this.outline, outline);
    this.outline.dispose();
    this.outline = outline;
    this.trajectory.append(this.degraded, { step: this.done, distance, loss });
  }

  /** Releases the copy of the teacher and what belongs to it. */
  dispose(): void {
    this.optimizer.dispose();
    this.degraded.dispose();
    this.outline.dispose();
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

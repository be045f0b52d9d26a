import { EMA, type Module, type Tensor } from "@disback/torch";
import { normalizeWeights } from "../models/normalized.js";
import type { BatchPart, MicroBatches } from "../training/micro-batches.js";
import {
  type Contribution,
  NetworkTrainer,
  type NetworkTrainerOptions,
} from "../training/network-trainer.js";
import { type Parts, weightsPart } from "../training/parts.js";
import { defaults } from "./defaults.js";
import type { Student } from "./student.js";

export interface StudentTrainerOptions extends NetworkTrainerOptions {
  /** decay of the averaged weights per step */
  emaDecay?: number | undefined;
  /** weights of the objective that its loss trains too */
  more?: Tensor[];
}

/**
 * A student in training: its module, its updates, and the running average of its weights, which is evaluated and kept.
 */
export class StudentTrainer<S extends Student = Student> {
  readonly trainer: NetworkTrainer;
  private readonly ema: EMA<Module>;

  constructor(
    readonly student: S,
    { emaDecay = defaults.backtracking.emaDecay, more = [], ...options }: StudentTrainerOptions,
  ) {
    const { module } = student;
    this.trainer = new NetworkTrainer([...module.requiresGrad_(true).parameters(), ...more], {
      afterStep: () => normalizeWeights(module),
      ...options,
      name: "student",
    });
    this.ema = new EMA(module, { decay: emaDecay });
  }

  /** The student with the average of its weights. */
  get average(): S {
    return this.student.withModule(this.ema.module) as S;
  }

  /** A copy of the average, in evaluation mode. It outlives the training. */
  result(): S {
    return this.student.withModule(this.ema.module.clone().eval()) as S;
  }

  /** One update, see `NetworkTrainer.update`. */
  update<Figure extends string>(
    batch: MicroBatches,
    contribute: (part: BatchPart) => Contribution<Figure>,
  ): Record<Figure, Tensor> & { norm: Tensor | number } {
    return this.trainer.update(batch, contribute);
  }

  /** Moves the average towards the weights. Call it once after each update. */
  updateAverage(): void {
    this.ema.update();
  }

  /** The checkpoint's parts besides the optimizer. */
  get parts(): Parts {
    return { student: weightsPart(this.student.module), average: this.ema };
  }

  /** Releases the average, not the student. */
  dispose(): void {
    this.ema.dispose();
  }
}

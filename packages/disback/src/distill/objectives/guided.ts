import type { State, Tensor } from "@disback/torch";
import type { DenoiserModule } from "../../models/denoiser.js";
import { GuidedDenoiser } from "../../models/guided-denoiser.js";
import type {
  AuxiliaryStart,
  Objective,
  ObjectiveInput,
  ObjectiveSetting,
  StudentInput,
  StudentSignal,
} from "../objective.js";

/**
 * Any objective with guidance in its target: the student learns the distribution of the guided target
 * `D(x) + w (D(x; c) - D(x))` in one step. The auxiliary model is not guided: it models the student as it is.
 */
export class Guided implements Objective {
  readonly name: string;
  readonly learningRateFactor: number;

  /** @param weight see `GuidedDenoiser`; 1 changes nothing */
  constructor(
    private readonly objective: Objective,
    readonly weight: number,
  ) {
    this.name = objective.name;
    this.learningRateFactor = objective.learningRateFactor ?? 1;
  }

  auxiliaryLoss(input: ObjectiveInput): Tensor {
    return this.objective.auxiliaryLoss(input);
  }

  studentSignal(input: StudentInput): StudentSignal {
    const target = new GuidedDenoiser(input.target, this.weight);
    return this.objective.studentSignal({ ...input, target });
  }

  auxiliaryModel(from: AuxiliaryStart): DenoiserModule {
    return this.objective.auxiliaryModel?.(from) ?? from.start;
  }

  prepare(setting: ObjectiveSetting): void {
    const teacher = new GuidedDenoiser(setting.teacher, this.weight);
    this.objective.prepare?.({ ...setting, teacher });
  }

  parameters(): Tensor[] {
    return this.objective.parameters?.() ?? [];
  }

  state(): State {
    return this.objective.state?.() ?? { tensors: new Map(), values: {} };
  }

  loadState(state: State): void {
    this.objective.loadState?.(state);
  }

  dispose(): void {
    this.objective.dispose?.();
  }
}

import { z } from "zod";
import { DisbackError } from "../errors.js";
import type { DenoiserModule } from "../models/denoiser.js";
import type { Trajectory } from "./trajectory.js";

const stateSchema = z.object({ position: z.number().int().min(0), steps: z.number().int().min(0) });

/**
 * The targets of the backtracking in their order: `D'_{N-1}, …, D'_1`, then the teacher `D'_0`. One node at a time is in
 * memory; without a trajectory the teacher is the only target.
 */
export class TargetPath {
  private place: number;
  private steps = 0;
  private node: DenoiserModule | undefined;

  /** @throws DisbackError if the trajectory is empty or of another teacher */
  constructor(
    private readonly teacher: DenoiserModule,
    private readonly trajectory: Trajectory | undefined,
  ) {
    trajectory?.requireTeacher(teacher);
    teacher.eval();
    this.place = trajectory ? trajectory.nodes.length - 1 : 0;
    this.load();
  }

  /** Place of the current target: N - 1 down to 0, the teacher. */
  get position(): number {
    return this.place;
  }

  get current(): DenoiserModule {
    return this.node ?? this.teacher;
  }

  /** The auxiliary model's initial weights: the most degraded node `D'_N`, which fits the student's first samples. */
  startOfAuxiliary(): DenoiserModule {
    const auxiliary = this.teacher.clone().train().requiresGrad_(true);
    if (this.trajectory) this.trajectory.loadInto(auxiliary, this.trajectory.nodes.length);
    return auxiliary;
  }

  /** Counts a step and goes on to the next target if `reached` says so. */
  advanceIf(reached: (steps: number) => boolean): void {
    this.steps++;
    if (this.place === 0 || !reached(this.steps)) return;
    this.place--;
    this.steps = 0;
    this.load();
  }

  state(): z.output<typeof stateSchema> {
    return { position: this.place, steps: this.steps };
  }

  loadState(value: unknown): void {
    const parsed = stateSchema.safeParse(value);
    const last = Math.max((this.trajectory?.nodes.length ?? 1) - 1, 0);
    if (!parsed.success || parsed.data.position > last)
      throw new DisbackError("checkpoint: the place on the trajectory is missing or beyond its end");
    this.place = parsed.data.position;
    this.steps = parsed.data.steps;
    this.load();
  }

  dispose(): void {
    this.node?.dispose();
    this.node = undefined;
  }

  private load(): void {
    if (this.place === 0) {
      this.dispose();
    } else {
      this.node ??= this.teacher.clone().eval().requiresGrad_(false);
      this.trajectory!.loadInto(this.node, this.place);
    }
  }
}

import { type Module, noGrad } from "@disback/torch";
import { z } from "zod";
import { DisbackError } from "../errors.js";
import { LowRankDenoiser } from "../models/adapters/low-rank-denoiser.js";
import type { DenoiserModule } from "../models/denoiser.js";
import { type AdapterShape, adaptersOn } from "./adapter-nodes.js";
import type { Trajectory } from "./trajectory.js";

const stateSchema = z.object({ position: z.number().int().min(0), steps: z.number().int().min(0) });

/** Which half of the trajectory is used (an ablation). */
export type TrajectoryUse = "whole" | "start" | "targets";

/** Options of the path (ablations). */
export interface TargetPathOptions {
  /**
   * `start`: the auxiliary model starts at the path's end, but the teacher is the only target; `targets`: the nodes are
   * the targets, but the auxiliary model starts as the teacher; default both
   */
  use?: TrajectoryUse;
  /** number of targets between two neighbouring nodes, with interpolated weights; default 0 */
  interpolation?: number;
}

/**
 * The targets of the backtracking in their order: `D'_{N-1}, …, D'_1`, then the teacher `D'_0`. One node at a time is in
 * memory; without a trajectory the teacher is the only target. With interpolation the path is (nearly) continuous:
 * `D'_{i + f}` has the weights `f theta_{i+1} + (1 - f) theta_i`.
 */
export class TargetPath<M extends Module> {
  private readonly use: TrajectoryUse;
  /** targets per node */
  private readonly fineness: number;
  private place: number;
  private steps = 0;
  private node: M | undefined;

  /** @throws DisbackError if the trajectory is empty or belongs to another teacher, or an option is out of range */
  constructor(
    private readonly teacher: M,
    private readonly trajectory: Trajectory | undefined,
    { use = "whole", interpolation = 0 }: TargetPathOptions = {},
  ) {
    if (!Number.isInteger(interpolation) || interpolation < 0)
      throw new DisbackError(
        `backtracking: "interpolation" must be a whole number from 0, not ${interpolation}`,
      );
    if (interpolation > 0 && trajectory?.storage.rank !== undefined)
      throw new DisbackError('backtracking: "interpolation" needs nodes of full weights, these are adapters');
    trajectory?.requireTeacher(teacher);
    teacher.eval();
    this.use = use;
    this.fineness = interpolation + 1;
    this.place = this.firstPlace();
    this.load();
  }

  /** Position of the current target, from N - 1 down to 0 (the teacher); a fraction between two nodes. */
  get position(): number {
    return this.place / this.fineness;
  }

  get current(): M {
    return this.node ?? this.teacher;
  }

  /**
   * The auxiliary model's start: the most degraded node `D'_N`, which fits the student's first samples.
   * @param adapters on the teacher; without them, it is a copy with weights of its own
   * @param seed draws the adapters' start
   */
  startOfAuxiliary(adapters: AdapterShape | undefined, seed: number): M {
    const { teacher } = this;
    const trajectory = this.use === "targets" ? undefined : this.trajectory;
    const auxiliary = adapters ? adaptersOn(teacher, adapters, seed) : teacher.clone();
    if (trajectory && auxiliary instanceof LowRankDenoiser) approximateEnd(trajectory, teacher, auxiliary);
    else trajectory?.loadInto(auxiliary, trajectory.nodes.length);
    return auxiliary.train().requiresGrad_(true);
  }

  /** Counts a step, and moves to the next target if `reached` says so. */
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
    if (!parsed.success || parsed.data.position > this.firstPlace())
      throw new DisbackError("checkpoint: the position on the trajectory is missing or out of range");
    this.place = parsed.data.position;
    this.steps = parsed.data.steps;
    this.load();
  }

  dispose(): void {
    this.node?.dispose();
    this.node = undefined;
  }

  private firstPlace(): number {
    if (!this.trajectory || this.use === "start") return 0;
    return (this.trajectory.nodes.length - 1) * this.fineness;
  }

  private load(): void {
    if (this.place === 0) {
      this.dispose();
      return;
    }
    const [before, beyond] = [Math.floor(this.position), Math.ceil(this.position)];
    this.node ??= this.trajectory!.blankNode(this.teacher);
    this.trajectory!.loadInto(this.node, beyond);
    if (before < beyond) this.blend(this.node, before, beyond - this.position);
  }

  /** Interpolates a model's weights towards a node's by a fraction. */
  private blend(model: M, index: number, share: number): void {
    const other = this.trajectory!.blankNode(this.teacher);
    if (index > 0) this.trajectory!.loadInto(other, index);
    const weights = other.parameters();
    noGrad(() => {
      for (const [k, own] of model.parameters().entries()) own.lerp_(weights[k]!, share);
    });
    other.dispose();
  }
}

/** Sets adapters to a trajectory's last node: exactly if their rank suffices. */
function approximateEnd(trajectory: Trajectory, teacher: Module, adapters: LowRankDenoiser): void {
  const end = trajectory.blankNode(teacher);
  trajectory.loadInto(end, trajectory.nodes.length);
  adapters.approximate(end as DenoiserModule);
  end.dispose();
}

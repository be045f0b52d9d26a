import {
  extractState,
  keep,
  type Module,
  mergeStates,
  prefixState,
  type State,
  stateTensor,
  type Tensor,
} from "@disback/torch";
import type { Part } from "../training/parts.js";
import type { Processes } from "../training/processes.js";
import type { Outline } from "./fit.js";
import type { NodeSelection, RecordingView } from "./node-selection.js";
import type { Trajectory } from "./trajectory.js";

/** The state of a recording after a step. */
export interface RecordingMoment<M extends Module> {
  /** the degraded model at this step */
  model: M;
  /** steps done */
  step: number;
  /** its loss in that step */
  loss: number;
  /** whether this is the last step */
  last: boolean;
}

/**
 * Saves the nodes of a recording: asks the selection after each step, and appends the chosen points to the trajectory.
 * Owns the outlines, each as large as the probes. A selection may keep a reference to one; outlines without a reference
 * are released here, because no garbage collector runs during a recording.
 */
export class NodeRecorder<M extends Module> implements Part {
  private readonly owned = new Set<Tensor>();
  /** the outline of the last node, or of the teacher; distances are measured from it */
  private outline: Tensor;
  private settled = false;

  /** @param start the degraded model before its first step: the teacher */
  constructor(
    readonly trajectory: Trajectory,
    private readonly selection: NodeSelection,
    private readonly path: Outline<M>,
    private readonly processes: Processes,
    start: M,
  ) {
    this.outline = this.measure(start);
    selection.begin(this.outline);
  }

  /** Whether the path has ended before the recording's last step. */
  get ended(): boolean {
    return this.settled;
  }

  /** Asks the selection after a step, and saves a node if one is due. */
  look({ model, step, loss, last }: RecordingMoment<M>): void {
    const { trajectory, selection } = this;
    let outline: Tensor | undefined;
    const view: RecordingView = {
      step,
      trajectory,
      outline: () => {
        outline ??= this.measure(model);
        return outline;
      },
      between: (a, b) => this.processes.agree(this.path.between(a, b)),
    };
    const kept = selection.keep(view);
    this.settled = selection.settled(view);
    const finished = last || this.settled;
    if (kept || (finished && trajectory.nodes.at(-1)?.step !== step)) {
      const distance = view.between(this.outline, view.outline());
      this.outline = view.outline();
      trajectory.append(model, { step, distance, loss });
    }
    this.release();
    if (finished) trajectory.prune();
  }

  /** Distance of a model from the last node, or from the teacher before there is one. */
  distance(model: M): number {
    const now = this.measure(model);
    const distance = this.processes.agree(this.path.between(this.outline, now));
    this.release();
    return distance;
  }

  state(): State {
    const values = { ended: this.settled, nodes: [...this.trajectory.nodes] };
    return mergeStates(prefixState("selection", this.selection.state()), {
      tensors: new Map([["outline", this.outline]]),
      values,
    });
  }

  /** Resumes from a saved state. Nodes saved after it are made again. */
  loadState(state: State): void {
    const selection = extractState("selection", state);
    const tensors = new Map([...selection.tensors].map(([key, saved]) => [key, this.copy(saved)]));
    this.selection.loadState({ ...selection, tensors });
    this.outline = this.copy(stateTensor(state, "outline"));
    this.settled = state.values.ended === true;
    this.trajectory.restore(state.values.nodes);
    this.release();
  }

  dispose(): void {
    for (const outline of this.owned) outline.dispose();
    this.path.dispose();
  }

  private measure(model: M): Tensor {
    const outline = this.path.measure(model.eval());
    this.owned.add(outline);
    return outline;
  }

  private copy(saved: Tensor): Tensor {
    const outline = keep(saved.clone());
    this.owned.add(outline);
    return outline;
  }

  /** Releases the outlines without a reference. The selection's state names those in use. */
  private release(): void {
    const held = [this.outline, ...this.selection.state().tensors.values()];
    for (const outline of this.owned) {
      if (held.includes(outline)) continue;
      outline.dispose();
      this.owned.delete(outline);
    }
  }
}

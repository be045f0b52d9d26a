import { Generator, inferenceMode, type Module, scope } from "@disback/torch";
import { DisbackError } from "../errors.js";
import type { DenoiserModule } from "../models/denoiser.js";
import { Processes } from "../training/processes.js";
import { defaults } from "./defaults.js";
import { DenoisingFit } from "./denoising-fit.js";
import type { Fit } from "./fit.js";
import type { NodeStorage } from "./node-storage.js";
import { deviceOf, draw, generate, type Student } from "./student.js";
import { Trajectory } from "./trajectory.js";

/** A checkpoint of the teacher's own training. */
export interface TeacherCheckpoint {
  /** for the manifest: what it is called */
  name: string;
  /** Copies its weights into a model of the teacher's architecture. */
  loadInto(model: Module): void;
}

export interface CheckpointTrajectoryOptions<M extends Module = DenoiserModule> {
  /** the teacher, the path's end; not changed */
  teacher: M;
  /** the student before its first step: distances are measured on its samples */
  student: Student;
  /** checkpoints of the teacher's training, the earliest first */
  checkpoints: readonly TeacherCheckpoint[];
  /** folder for the trajectory */
  folder: string;
  /** how nodes are compared; default the denoising loss at EDM's noise levels */
  fit?: Fit<M>;
  /** number of samples used to measure distances */
  probes?: number;
  /** default `difference` */
  storage?: NodeStorage;
  /** default 0 */
  seed?: number;
  processes?: Processes;
  provenance?: Record<string, unknown>;
}

/**
 * A trajectory that needs no recording: the teacher's own training run backwards. Node 1 is the newest checkpoint that is
 * not the teacher itself, node N the earliest; backtracking walks the student through the teacher's training. Unlike
 * recorded nodes, none of them has seen the student's samples.
 *
 * @throws DisbackError if no checkpoint differs from the teacher, or one does not fit it (naming it)
 */
export function checkpointTrajectory<M extends Module = DenoiserModule>(
  options: CheckpointTrajectoryOptions<M>,
): Trajectory {
  const { teacher, student, checkpoints, folder, storage, seed = 0, provenance } = options;
  const { probes = defaults.recording.probes, processes = new Processes() } = options;
  const fit = options.fit ?? (new DenoisingFit() as unknown as Fit<M>);
  const trajectory = Trajectory.begin(folder, teacher, {
    ...{ processes, storage, resume: false },
    provenance: { ...provenance, nodes: "the teacher's checkpoints", recordedAt: new Date().toISOString() },
  });
  return scope(() => {
    const drawn = draw(student, probes, new Generator(seed + 1, deviceOf(student)));
    const batch = {
      samples: inferenceMode(() => generate(student, drawn)).clone(),
      condition: drawn.condition,
      latents: drawn.latents,
    };
    const outline = fit.outline(batch, seed + 2);
    const model = teacher.clone() as M;
    let last = outline.measure(model.eval());
    for (const [place, checkpoint] of [...checkpoints].reverse().entries()) {
      checkpoint.loadInto(model);
      const now = outline.measure(model.eval());
      const distance = processes.agree(outline.between(last, now));
      last.dispose();
      last = now;
      // A finished training's last checkpoint is the teacher.
      if (distance === 0) continue;
      const loss = inferenceMode(() =>
        fit.loss(model, batch, new Generator(seed + 2, deviceOf(student))).item(),
      );
      trajectory.append(model, { step: place + 1, distance, loss });
    }
    last.dispose();
    outline.dispose();
    model.dispose();
    if (trajectory.nodes.length === 0)
      throw new DisbackError("trajectory: no checkpoint differs from the teacher");
    return trajectory;
  });
}

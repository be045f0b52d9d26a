import { extractState, mergeStates, prefixState } from "@disback/torch";
import type { Processes } from "../training/processes.js";
import { type Checkpoint, latestCheckpoint, pruneCheckpoints, saveCheckpoint } from "./checkpoint.js";
import { takeBack } from "./roll-back.js";
import type { RunSession, Stage } from "./stage.js";
import { positionOf, type StagePosition } from "./stage-position.js";

/** Saves and restores a stage: the state of its work, and its position. */
export class StageCheckpoints {
  constructor(
    private readonly stage: Stage,
    private readonly session: RunSession,
    private readonly processes: Processes,
  ) {}

  /** Saves the work; the first process writes. */
  async save(position: StagePosition): Promise<void> {
    const { stage, session } = this;
    const { run, iterationsBefore, checkpoints } = session;
    const values = { position };
    const state = mergeStates(prefixState("work", stage.work.state()), { tensors: new Map(), values });
    run.requirePresent();
    await this.processes.first(async () => {
      try {
        await saveCheckpoint(run.path, iterationsBefore + stage.work.iteration, state);
      } catch (error) {
        // The folder may go away while it is written to.
        run.requirePresent();
        throw error;
      }
      const soundUntil = iterationsBefore + (position.sound ?? 0);
      pruneCheckpoints(run.path, { keepLast: checkpoints.keepLast, soundUntil });
    });
  }

  /** Restores the work's state. @returns the stage's position */
  restore(checkpoint: Checkpoint): StagePosition {
    this.stage.work.loadState(extractState("work", checkpoint.state));
    return positionOf(checkpoint);
  }

  /** The last checkpoint known to be sound, the same for all processes. Later ones are removed. */
  async lastSound(sound: number): Promise<Checkpoint | undefined> {
    const { stage, session } = this;
    let good: Checkpoint | undefined;
    const iteration = await this.processes.first(async () => {
      good = await takeBack(session, stage.name, sound);
      return good?.iteration;
    });
    if (this.processes.leads || iteration === undefined) return good;
    return latestCheckpoint(session.run.path, (line) => session.progress.notice(line), iteration);
  }
}

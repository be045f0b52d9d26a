import type { Action } from "./wire.js";

/** What the studio needs from disback. It reads run folders itself, but acts on runs only through these. */
export interface RunControl {
  /** Whether a living process holds a lock file. */
  isHeld(lock: string): boolean;
  /** Asks the process that works in a run folder to stop or to save a checkpoint. */
  ask(folder: string, request: Exclude<Action, "resume">): void;
  /** Continues a run in a separate process. @throws Error if it cannot be started */
  resume(folder: string): Promise<void>;
}

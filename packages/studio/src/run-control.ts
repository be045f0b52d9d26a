import type { Action, ExportFormat, WantedRun, WantedSamples } from "./wire.js";

/** What the studio needs from disback. It reads run folders itself, but acts on runs only through these. */
export interface RunControl {
  /** Whether a living process holds a lock file. */
  isHeld(lock: string): boolean;
  /** Asks the process that works in a run folder to stop or to save a checkpoint. */
  ask(folder: string, request: Exclude<Action, "resume">): void;
  /** Continues a run in a separate process. @throws Error if it cannot be started */
  resume(folder: string): Promise<void>;
  /** New work; absent where the studio only watches. */
  work?: RunWork;
}

/** Work that the studio asks for, each in a separate process. All of it @throws Error with one line for the user. */
export interface RunWork {
  /** Names of settings that a new run can start from. */
  readonly presets: readonly string[];
  /**
   * Starts a distillation, which outlives the studio.
   *
   * @param folder of the new run, which does not exist yet
   * @param teacher folder and data of a run whose teacher it has; default the preset's
   * @returns when the run works in its folder
   */
  start(folder: string, wanted: WantedRun, teacher?: { folder: string; data?: string }): Promise<void>;
  /** Draws samples from a model folder. @returns a PNG, or texts in UTF-8, one a line */
  draw(model: string, wanted: WantedSamples): Promise<Uint8Array>;
  /** Writes a model folder in another format. @param out replaced if it exists */
  export(model: string, format: ExportFormat, out: string): Promise<void>;
}

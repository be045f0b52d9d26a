import type { SampleGrid, StageName } from "./pages/index.js";

/** What the server tells the page, as JSON. */

export type Stage = StageName;

/** `interrupted`: marked as running, but no living process works in the folder. */
export type RunState = "running" | "stopped" | "failed" | "finished" | "interrupted";

/** One line of a run's log: figures by name. */
export type LogLine = { stage: Stage; iteration: number } & Record<string, string | number | undefined>;

/** A run as the list shows it. */
export interface RunSummary {
  /** Folder relative to the studio's, with forward slashes; "." for the studio's folder itself. */
  id: string;
  /** Folder of the comparison it is a part of. */
  comparison?: string;
  /** Whether that comparison is being worked on: its runs are stopped in its own terminal. */
  comparing?: boolean;
  /** The data it is about. */
  title: string;
  /** How it is done, in a few words. */
  how: string;
  command: string;
  preset?: string;
  method?: string;
  student?: string;
  seed: number;
  state: RunState;
  failure?: string;
  startedAt: string;
  /** Newest line of the live log, or of the evaluations where there is none. */
  last?: LogLine;
  /** Newest judged figure: FID for images, sliced Wasserstein distance for points; the teacher's where it was judged. */
  headline?: { name: string; value: number; iteration: number; teacher?: number };
  /** Network evaluations per sample, where they were measured. */
  evaluations?: { student: number; teacher: number };
  /** Newest picture of its samples. */
  picture?: { file: string; grid?: SampleGrid };
  /** Bytes and change times of its files: another text means that there is news. */
  version: string;
}

/** A point of the trajectory: distance to the node before, the teacher for the first. */
export interface PathNode {
  step: number;
  distance: number;
  loss: number;
}

/** Pictures of one moment. */
export interface SampleFrame {
  stage: Stage;
  iteration: number;
  /** File in `samples/`. */
  picture: string;
  /** Points of the plane, `.npy`. */
  points?: string;
}

/** Everything of a run but its curves. */
export interface RunDetail {
  summary: RunSummary;
  settings: Record<string, unknown>;
  versions: Record<string, unknown>;
  machine: Record<string, unknown>;
  result?: Record<string, unknown>;
  path?: PathNode[];
  frames: SampleFrame[];
  reference?: { picture: string; points?: string };
  /** Where each sample stands in the pictures: the same latent and class at the same place in all of them. */
  grid?: SampleGrid;
  /** Names of the classes; the samples show them in turn. */
  classes?: string[];
  checkpoints: number[];
  /** What was asked of the run and not done yet. */
  asked: ("stop" | "checkpoint")[];
  /** Iterations of each stage, as planned. */
  planned: Partial<Record<Stage, number>>;
}

/** Columns of equal length, thinned to what can be seen; `null` where a line lacks the figure. */
export interface Curves {
  /** Whole-run positions of each row: iterations and images are counted through all stages. */
  iterations: number[];
  images: number[];
  seconds: number[];
  stages: Stage[];
  figures: Record<string, (number | null)[]>;
  /** Lines the log holds. */
  lines: number;
}

/** Both logs of a run. */
export interface RunCurves {
  evaluations: Curves;
  live: Curves;
  /** Iterations before each stage, where there are any. */
  offsets: Partial<Record<Stage, number>>;
  /** Iterations done in each stage that was begun. */
  done: Partial<Record<Stage, number>>;
}

export type Action = "stop" | "checkpoint" | "resume";

/** What the server is. */
export interface StudioFacts {
  folder: string;
  /** Whether this client may act. */
  mayAct: boolean;
}

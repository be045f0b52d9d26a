import type { SampleGrid, StageName } from "./pages/index.js";

/** The JSON that the server sends to the page. */

export type Stage = StageName;

/** `interrupted`: marked as running, but no living process works in the folder. */
export type RunState = "running" | "stopped" | "failed" | "finished" | "interrupted";

/** One line of a run's log: figures by name. */
export type LogLine = { stage: Stage; iteration: number } & Record<string, string | number | undefined>;

/** A run as the list shows it. */
export interface RunSummary {
  /** Folder relative to the studio's, with forward slashes; "." for the studio's folder itself. */
  id: string;
  /** Folder of its comparison, if any. */
  comparison?: string;
  /** Whether that comparison is running. Then its runs can only be stopped in its terminal. */
  comparing?: boolean;
  /** Its data. */
  title: string;
  /** Its method in a few words. */
  how: string;
  command: string;
  preset?: string;
  method?: string;
  student?: string;
  seed: number;
  state: RunState;
  failure?: string;
  startedAt: string;
  /** Newest line of the live log, or of the evaluations if there is none. */
  last?: LogLine;
  /** Newest figure: FID for images, sliced Wasserstein distance for points; also the teacher's, if evaluated. */
  headline?: { name: string; value: number; iteration: number; teacher?: number };
  /** Network evaluations per sample, if measured. */
  evaluations?: { student: number; teacher: number };
  /** Newest picture of samples. */
  picture?: { file: string; texts?: string; grid?: SampleGrid };
  /** Of the whole run: while it trains, up to its newest line; at its end with judging and timing. */
  seconds?: number;
  /** Sizes and change times of its files; changes if there is news. */
  version: string;
}

/** A point of the trajectory: distance to the previous node, or to the teacher for the first. */
export interface PathNode {
  step: number;
  distance: number;
  loss: number;
}

/** Pictures of one evaluation. */
export interface SampleFrame {
  stage: Stage;
  iteration: number;
  /** File in `samples/`. */
  picture: string;
  /** The file of its texts, one a line, if the samples are that. */
  texts?: string;
  /** Points of the plane, `.npy`. */
  points?: string;
}

/** Everything about a run except its curves. */
export interface RunDetail {
  summary: RunSummary;
  settings: Record<string, unknown>;
  versions: Record<string, unknown>;
  machine: Record<string, unknown>;
  result?: Record<string, unknown>;
  path?: PathNode[];
  frames: SampleFrame[];
  reference?: { picture: string; points?: string; texts?: string };
  /** The layout of the pictures. The same cell has the same latent and class in all of them. */
  grid?: SampleGrid;
  /** Names of the classes; the samples show them in turn. */
  classes?: string[];
  /** The prompts of the samples, in order. */
  prompts?: string[];
  checkpoints: number[];
  /** Whether it has a model to draw from and to export. */
  hasModel: boolean;
  /** Whether that model is a language model, which goes on from the beginning of a text. */
  isLanguageModel: boolean;
  /** Pending requests to the run. */
  asked: ("stop" | "checkpoint")[];
  /** Iterations of each stage, as planned. */
  planned: Partial<Record<Stage, number>>;
}

/** Columns of equal length, thinned to the visible resolution; `null` if a line lacks the figure. */
export interface Curves {
  /** Whole-run positions of each row: iterations and images are counted through all stages. */
  iterations: number[];
  images: number[];
  seconds: number[];
  stages: Stage[];
  figures: Record<string, (number | null)[]>;
  /** Number of lines of the log. */
  lines: number;
}

/** Both logs of a run. */
export interface RunCurves {
  evaluations: Curves;
  live: Curves;
  /** Iterations before each stage, if there are any. */
  offsets: Partial<Record<Stage, number>>;
  /** Completed iterations of each started stage. */
  done: Partial<Record<Stage, number>>;
}

export type Action = "stop" | "checkpoint" | "resume";

/** A new distillation, as the page asks for it. */
export interface WantedRun {
  /** of its folder below the studio's */
  name: string;
  /** named settings … */
  preset?: string;
  /** … or a run in this studio whose teacher it has */
  teacher?: string;
  /** "preset" leaves it to the preset; with a teacher of one's own that is its copy */
  student: "preset" | "same" | "untrained" | "small" | "dcgan" | "fastgan";
  /** default the preset's */
  iterations?: number;
  seed: number;
}

/** Samples of a run's model, as the page asks for them. */
export interface WantedSamples {
  count: number;
  seed: number;
  /** name or number of a class; default all in turn */
  label?: string;
  /** beginning of the texts of a language model */
  prompt?: string;
  /** texts, not a picture of them */
  texts?: boolean;
}

export const exportFormats = ["web", "onnx", "safetensors"] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** Facts about the server. */
export interface StudioFacts {
  folder: string;
  /** Whether this client may act. */
  mayAct: boolean;
  /** What new runs can start from; absent for a studio that only watches. */
  presets?: string[];
}

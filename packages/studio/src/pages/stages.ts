/** Properties of a kind of stage. */
export interface StageFacts {
  /** activity, for progress lines */
  label: string;
  /** display name */
  title: string;
  /** path of the setting with its largest number of iterations */
  settings: string;
  /** figures that are positions and must not be averaged */
  positions: readonly string[];
  /** whether its samples are drawn and evaluated */
  judged: boolean;
}

/** The stages of runs in order, for run folders, logs, reports and the studio. */
export const stages = {
  teacher: {
    label: "training the teacher",
    title: "Teacher",
    settings: "training.iterations",
    positions: ["learningRate"],
    judged: true,
  },
  imitate: {
    label: "imitating",
    title: "Imitation",
    settings: "imitation.steps",
    positions: [],
    judged: true,
  },
  record: {
    label: "recording",
    title: "Recording",
    settings: "recording.steps",
    positions: ["learningRate"],
    judged: false,
  },
  backtrack: {
    label: "backtracking",
    title: "Backtracking",
    settings: "backtracking.iterations",
    positions: ["target", "learningRate"],
    judged: true,
  },
} as const satisfies Record<string, StageFacts>;

export type StageName = keyof typeof stages;

/** Names in order. */
export const stageNames = Object.keys(stages) as readonly StageName[];

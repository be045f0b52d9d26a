/** What is known of a stage, whatever the run. */
export interface StageFacts {
  /** what is going on, for progress lines */
  label: string;
  /** its name for people */
  title: string;
  /** path of the setting that says how many iterations it has at most */
  settings: string;
  /** figures of a step that are positions, not quantities to average */
  positions: readonly string[];
  /** whether its samples are drawn and judged */
  judged: boolean;
}

/** The stages of runs, in their order: the one table for run folders, logs, reports and the studio. */
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

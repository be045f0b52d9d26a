/**
 * The stages of runs, in their order: the one table for run folders, logs, reports and the studio.
 *
 * - `label`: what is going on, for progress lines;
 * - `title`: the stage's name for people;
 * - `settings`: path of the setting that says how many iterations it has;
 * - `positions`: figures of a step that are positions, not quantities to average;
 * - `judged`: whether its samples are drawn and judged.
 */
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

interface StageFacts {
  label: string;
  title: string;
  settings: string;
  positions: readonly string[];
  judged: boolean;
}

export type StageName = keyof typeof stages;

/** Names in order. */
export const stageNames = Object.keys(stages) as StageName[];

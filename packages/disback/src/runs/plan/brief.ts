import { PASSES } from "../../distill/decide.js";
import { layer, type SettingsTree } from "../settings/layers.js";

/** Samples that are drawn in a rehearsal, instead of those of an evaluation and of a picture. */
const SAMPLES = 64;
const GRID = 16;
/** Only samples that cost nothing, such as points, are drawn so many in a picture. */
const CHEAP = 1000;
/** Steps of a recording: it ends by itself, and so shows its nodes. */
const STEPS = 3;

interface Evaluated {
  evaluation?: { samples: number; grid: number };
  recording?: { steps: number };
  backtracking?: { pairs: { count: number } };
  imitation?: { pairs: { count: number; passes?: number } };
}

/** The settings of a run that only shows what it costs: the same networks and batches, but few samples and nodes. */
export function briefSettings<Settings>(settings: Settings): Settings {
  const { evaluation, recording, backtracking, imitation } = settings as Evaluated;
  const few = evaluation && evaluation.grid < CHEAP;
  const changed: SettingsTree = {
    ...(few && {
      evaluation: { samples: Math.min(evaluation.samples, SAMPLES), grid: Math.min(evaluation.grid, GRID) },
    }),
    ...(recording && { recording: { steps: STEPS, nodes: "even-steps", interval: 1 } }),
    ...(imitation && { imitation: { pairs: fewPairs(imitation.pairs) } }),
    ...(backtracking && { backtracking: { pairs: { count: Math.min(backtracking.pairs.count, SAMPLES) } } }),
  };
  const brief = layer(settings as SettingsTree, changed);
  if (recording) delete (brief.recording as SettingsTree).nodeSteps;
  return brief as Settings;
}

/** Fewer, with as many steps over them. */
function fewPairs({ count, passes = PASSES.both }: { count: number; passes?: number }) {
  const few = Math.min(count, GRID);
  return { count: few, passes: Math.round((passes * count) / few) };
}

/** How many times as many samples the real run draws: for its figures, for a picture, to learn from, to imitate. */
export function samplesFactors(settings: unknown): {
  samples: number;
  grid: number;
  pairs: number;
  imitated: number;
} {
  const all = settings as Evaluated;
  const few = briefSettings(all);
  return {
    samples: ratio(all.evaluation?.samples, few.evaluation?.samples),
    grid: ratio(all.evaluation?.grid, few.evaluation?.grid),
    imitated: ratio(all.imitation?.pairs.count, few.imitation?.pairs.count),
    pairs: ratio(all.backtracking?.pairs.count, few.backtracking?.pairs.count),
  };
}

function ratio(all = 1, few = 1): number {
  return all / few;
}

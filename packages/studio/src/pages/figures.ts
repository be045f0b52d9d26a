/** Display properties of a figure in a run's logs. */
export interface FigureWords {
  /** Title of its chart. */
  name: string;
  /** Short name. */
  short?: string;
  /** Lower is better unless it says otherwise. */
  higherIsBetter?: boolean;
  /** Drawn on a logarithmic axis if all values are positive. */
  logarithmic?: boolean;
  /** A value holds until the next one. */
  steps?: boolean;
  /** Bytes are shown in GB. */
  unit?: "bytes";
}

/** Every figure by its name in the logs, in the order of the charts, for report and studio. */
export const FIGURES: Readonly<Record<string, FigureWords>> = {
  fid: { name: "FID: distance to the data", short: "FID", logarithmic: true },
  slicedWasserstein: {
    name: "Sliced Wasserstein distance to the data",
    short: "Wasserstein distance",
    logarithmic: true,
  },
  kid: { name: "KID: kernel distance to the data", short: "KID" },
  inceptionScore: { name: "Inception Score", higherIsBetter: true },
  precision: { name: "Precision: samples that look like data", short: "Precision", higherIsBetter: true },
  recall: { name: "Recall: data covered by samples", short: "Recall", higherIsBetter: true },
  modeCoverage: { name: "Fraction of modes covered", short: "Modes covered", higherIsBetter: true },
  highQuality: { name: "Fraction of samples near a mode", short: "Near a mode", higherIsBetter: true },
  trigramDivergence: {
    name: "Trigram divergence from the data's text",
    short: "Trigram divergence",
    logarithmic: true,
  },
  textPerplexity: { name: "Perplexity under the data's 5-grams", short: "Perplexity", logarithmic: true },
  validWords: { name: "Fraction of words that the data has", short: "Valid words", higherIsBetter: true },
  distinctPairs: {
    name: "Fraction of word pairs that are different ones",
    short: "Distinct word pairs",
    higherIsBetter: true,
  },
  agreement: {
    name: "Fraction of pairs whose picture and word agree",
    short: "Agreement",
    higherIsBetter: true,
  },
  motionError: {
    name: "Distance from a steady motion, in pixels",
    short: "Motion error",
    logarithmic: true,
  },
  readableDigits: {
    name: "Fraction of clips with a readable digit",
    short: "Readable digits",
    higherIsBetter: true,
  },
  readableFrames: {
    name: "Fraction of frames with some readable digit",
    short: "Readable frames",
    higherIsBetter: true,
  },
  loss: { name: "Loss of the model being fitted", short: "Loss", logarithmic: true },
  mismatch: { name: "Mismatch degree to the target", short: "Mismatch degree", logarithmic: true },
  gap: { name: "Gap between auxiliary model and target", short: "Gap" },
  adversarial: { name: "Adversarial loss of the student's samples", short: "Adversarial loss" },
  ownLoss: { name: "Discriminator's loss", short: "Discriminator" },
  target: { name: "Target on the trajectory (0 is the teacher)", short: "Target", steps: true },
  spread: { name: "Spread of the samples", short: "Spread" },
  gradientNorm: { name: "Gradient norm of the student", logarithmic: true },
  auxiliaryGradientNorm: { name: "Gradient norm of the auxiliary model", logarithmic: true },
  learningRate: { name: "Learning rate", steps: true },
  rate: { name: "Iterations per second", higherIsBetter: true },
  memoryBytes: { name: "Memory", unit: "bytes" },
  peakMemoryBytes: { name: "Peak memory", unit: "bytes" },
};

/** Columns of a log for a line's position. */
const PLACES: Readonly<Record<string, string>> = {
  stage: "Stage",
  iteration: "Iteration",
  images: "Samples seen",
  seconds: "Seconds of the run",
  stepSeconds: "Seconds of steps",
  processorSeconds: "Processor seconds",
};

/** A figure's full name; unknown names are spelled out. */
export function figureName(figure: string): string {
  return FIGURES[figure]?.name ?? PLACES[figure] ?? spelled(figure);
}

export function shortFigureName(figure: string): string {
  return FIGURES[figure]?.short ?? figureName(figure);
}

/** `realLossTerm` → `Real loss term` */
function spelled(name: string): string {
  const words = name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase();
  return words.slice(0, 1).toUpperCase() + words.slice(1);
}

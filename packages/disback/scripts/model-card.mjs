const FASHION = {
  training: "Fashion-MNIST, the 60,000 training images",
  licence: " Fashion-MNIST is MIT-licensed (Zalando SE; Xiao, Rasul and Vollgraf 2017).",
};

/** What the card says of each teacher's data. */
const DATA = {
  "2d-ring": { title: "points of a ring of eight Gaussians", training: "`toy:ring`", licence: "" },
  "fashion-mnist-16": { title: "Fashion-MNIST at 16 x 16", ...FASHION },
  "fashion-mnist-32": { title: "Fashion-MNIST at 32 x 32", ...FASHION },
  "cifar10-16": {
    title: "CIFAR-10 (JPEG) at 16 x 16",
    training: "CIFAR-10, the 50,000 training images, as JPEG of quality 75, brought to 16 x 16",
    licence: " CIFAR-10: Krizhevsky 2009.",
  },
};

/** Label, key and notation of the figures a card shows, where they were measured. */
const FIGURES = [
  ["FID", "fid", number],
  ["KID", "kid", number],
  ["Inception Score", "inceptionScore", number],
  ["precision", "precision", percent],
  ["recall", "recall", percent],
  ["sliced Wasserstein distance", "slicedWasserstein", number],
  ["modes covered", "modeCoverage", percent],
  ["samples within 3 standard deviations of a mode", "highQuality", percent],
];

/**
 * The README of a shipped teacher.
 *
 * @param {object} teacher name; `record` (run.json); `config` (config.json); `history` (metrics.jsonl); `figures`
 *   (`disback evaluate --json`); `bytes` of the weights; `steps` of the sampler they were drawn with
 * @returns {string} Markdown
 */
export function modelCard({ name, record, config, history, figures, bytes, steps }) {
  const { settings, versions, machine } = record;
  const { training } = settings;
  const last = history.at(-1);
  const { title, training: data, licence } = DATA[name];
  const points = config.network === "mlp";
  const rows = FIGURES.filter(([, key]) => typeof figures[key] === "number");
  return `# ${name}

A diffusion model (EDM) of ${title}${config.labelDim > 0 ? `, conditional on ${config.labelDim} classes; without a label it is unconditional` : ""}. It was trained with this project's own code.

![samples](grid.png)

${points ? "Samples" : "Samples, one class per column"}, drawn with ${steps} Heun steps (${2 * steps - 1} network evaluations).

## Figures

| | |
|---|---|
${rows.map(([label, key, notation]) => `| ${label} | ${notation(figures[key])} |`).join("\n")}

${figures.samples.toLocaleString("en")} samples, ${steps} Heun steps, compared with the training data.${points ? "" : ` Features: \`${figures.extractor}\`, a small classifier of ours: figures compare only with others of the same extractor and number of samples, not with those of Inception.`}

## Training

| | |
|---|---|
| data | ${data} |
| iterations | ${training.iterations.toLocaleString("en")} of ${training.batchSize} samples (${last.images.toLocaleString("en")} in all) |
| learning rate | Adam, ${training.learningRate}, ramp-up over ${training.rampUp} iterations, ${training.decay === "cosine" ? `half a cosine to 0 from iteration ${training.decayFrom.toLocaleString("en")} on` : training.decay} |
| averaged weights | half-life ${training.averageHalfLife.toLocaleString("en")} samples |
| noise levels | ln sigma ~ N(${training.noiseMean}, ${training.noiseStandardDeviation}^2) |
${config.labelDim > 0 ? `| labels withheld | ${100 * training.labelDropout} % |\n` : ""}| seed | ${record.seed} |
| time | ${minutes(last.seconds)} on ${settings.threads ?? machine.cores} core${(settings.threads ?? machine.cores) === 1 ? "" : "s"} (${machine.processor}) shared with other work |
| versions | disback ${versions.disback}, libtorch ${versions.libtorch} |

\`node packages/disback/scripts/train-teachers.mjs --only ${name}\` trains one with the same settings.

## Model

\`model.safetensors\`: ${(bytes / 1e6).toFixed(1)} MB, float32, key names as in NVlabs/edm. \`config.json\`:

\`\`\`json
${JSON.stringify(config, null, 2)}
\`\`\`

Licence of the weights: Apache-2.0, as the project.${licence}
`;
}

function number(value) {
  return Number(value.toPrecision(3)).toString();
}

function percent(fraction) {
  return `${(100 * fraction).toFixed(1)} %`;
}

function minutes(seconds) {
  return seconds < 120 ? `${Math.round(seconds)} seconds` : `${Math.round(seconds / 60)} minutes`;
}

// Pairs of an emoji and its name, in colour, as bench/pairs.mjs measures them for Fashion-MNIST. docs/pairs.md tells what came
// out. A stopped script goes on.
//
//   node bench/pairs-emoji.mjs [--rows 2] [--smoke]
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { begin } from "./begin.mjs";
import { install } from "./emoji/install.mjs";
import { emojiClassifier, oneWordEmoji, writeEmoji } from "./pairs/emoji-data.mjs";
import { study } from "./pairs/study.mjs";

const begun = begin({ folder: "pairs", result: "pairs-emoji" });
const { smoke, work } = begun;
const sizes = smoke
  ? { emoji: 20, iterations: 2, batchSize: 4, student: 4, samples: 40, every: 2, recording: 2, epochs: 10 }
  : {
      emoji: 48,
      iterations: 1500,
      batchSize: 48,
      student: 200,
      samples: 600,
      every: 50,
      recording: 12,
      epochs: 150,
    };
const packages = fileURLToPath(new URL("emoji/work/packages", import.meta.url));
const emoji = oneWordEmoji(install(packages).pictures).slice(0, sizes.emoji);
const data = await writeEmoji(join(work, "pictures"), emoji);
const classifier = await emojiClassifier(join(work, "classifier"), data, sizes.epochs);

await study({
  ...{ name: "pairs-emoji", begun, data, channels: 3, start: "cifar10-16", samples: sizes.samples },
  training: {
    ...{ iterations: sizes.iterations, batchSize: sizes.batchSize },
    more: { noiseMean: -0.4, noiseStandardDeviation: 1.4 },
  },
  judging: ["--extractor", classifier.folder],
  settings: [
    ...[`evaluation.samples=${sizes.samples}`, `evaluation.every=${sizes.every}`, "evaluation.grid=30"],
    ...["evaluation.teacher=false", `checkpoints.every=${sizes.every}`],
    ...[`backtracking.iterations=${sizes.student}`, "backtracking.batchSize=32"],
  ],
  methods: {
    "teacher's copy": { settings: ["method=plain"], seeds: [1, 2, 3] },
    "teacher's copy, along a trajectory": {
      settings: [
        ...["method=disback", `recording.steps=${sizes.recording}`, "recording.maximumNodes=4"],
        "recording.batchSize=32",
      ],
      seeds: [1, 2, 3],
    },
  },
  document: {
    emoji: emoji.length,
    judged: `${sizes.samples} pairs; FID and agreement in a classifier of these emoji, trained here: its class is the one that the word names`,
    data: { agreement: classifier.accuracy },
  },
});

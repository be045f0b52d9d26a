// Pairs of a picture and its word, Fashion-MNIST with the name of the class spelled out: a teacher, one-step students of it, and
// how often picture and word agree. docs/pairs.md tells what came out. A stopped script goes on.
//
//   node bench/pairs.mjs [--rows 2] [--smoke]
import { readFileSync } from "node:fs";
import { begin } from "./begin.mjs";
import { study } from "./pairs/study.mjs";
import { clothes } from "./tasks/data.mjs";

const begun = begin({ folder: "pairs", result: "pairs" });
const { smoke, downloads } = begun;
const sizes = smoke
  ? {
      iterations: 2,
      batchSize: 4,
      student: 4,
      samples: 40,
      every: 2,
      recording: 2,
      imitation: 3,
      longImitation: 4,
      seeds: [1],
    }
  : {
      iterations: 2000,
      batchSize: 64,
      student: 250,
      samples: 600,
      every: 50,
      recording: 12,
      imitation: 80,
      longImitation: 300,
      seeds: [1, 2, 3],
    };
const classifier = new URL(
  "../packages/disback/assets/extractors/fashion-mnist-16-classifier/config.json",
  import.meta.url,
);
const along = [
  "method=disback",
  `recording.steps=${sizes.recording}`,
  "recording.maximumNodes=4",
  "recording.batchSize=32",
];
const imitating = `imitation.steps=${sizes.imitation}`;
const longer = [`imitation.steps=${sizes.longImitation}`, "imitation.tolerance=0"];
const [first] = sizes.seeds;

await study({
  ...{ name: "pairs", begun, data: clothes(downloads), channels: 1, start: "fashion-mnist-16" },
  training: {
    ...{ iterations: sizes.iterations, batchSize: sizes.batchSize },
    more: { noiseMean: -0.6, noiseStandardDeviation: 1.4 },
  },
  samples: sizes.samples,
  settings: [
    ...[`evaluation.samples=${sizes.samples}`, `evaluation.every=${sizes.every}`, "evaluation.grid=30"],
    ...["evaluation.teacher=false", `checkpoints.every=${sizes.every}`],
    ...[`backtracking.iterations=${sizes.student}`, "backtracking.batchSize=32"],
  ],
  methods: {
    "teacher's copy": { settings: ["method=plain"], seeds: sizes.seeds },
    "teacher's copy, along a trajectory": { settings: along, seeds: sizes.seeds },
    "half the channels": { settings: ["student=small", imitating], seeds: [first] },
    "half the channels, no imitation": { settings: ["student=small", "method=plain"], seeds: [first] },
    "half the channels, long imitation": { settings: ["student=small", ...longer], seeds: [first] },
    "half the channels, long imitation by cross-entropy": {
      settings: ["student=small", ...longer, "imitation.loss=own"],
      seeds: [first],
    },
  },
  document: {
    judged: `${sizes.samples} pairs; FID of the pictures in the features of fashion-mnist-16-classifier; agreement: its class is the one that the word names`,
    data: { agreement: JSON.parse(readFileSync(classifier, "utf8")).accuracy },
  },
});

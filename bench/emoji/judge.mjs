// Which caption fits a picture? A small network that learned the emoji apart from teacher and student: pictures and names
// in one space, trained by the contrastive loss of CLIP (Radford et al. 2021), with the other names as its negatives.
import { readFileSync } from "node:fs";
import {
  AdamW,
  Conv2d,
  cat,
  cosine,
  Embedding,
  fromTypedArray,
  Generator,
  GroupNorm,
  inferenceMode,
  Linear,
  Module,
  ops,
  rand,
  randint,
  randn,
  Sequential,
  SiLU,
  scope,
} from "@disback/torch";
import sharp from "sharp";

const features = 128;

class Judge extends Module {
  constructor(names, generator) {
    super();
    const block = (input, output, stride) => [
      new Conv2d(input, output, 3, { stride, padding: 1, generator }),
      new GroupNorm(8, output),
      new SiLU(),
    ];
    this.convolutions = new Sequential(...block(3, 24, 2), ...block(24, 48, 2), ...block(48, 96, 2));
    this.projection = new Linear(96 * 4 * 4, features, { generator });
    this.names = new Embedding(names, features, { generator });
  }

  /** What it sees in pictures, `[N, features]`. */
  features(pictures) {
    return this.projection.forward(this.convolutions.forward(pictures).flatten(1));
  }

  /** How well each picture fits each name, `[N, names]`. */
  forward(pictures) {
    return unit(this.features(pictures)).matmul(unit(this.names.weight).t()).mul(20);
  }
}

const unit = (rows) => rows.div(rows.square().sum([1], true).sqrt().add(1e-6));

/** The emoji's pictures, `[emoji, 3, side, side]` in [-1, 1]. */
export async function pictures(folder, count) {
  const all = [];
  for (let index = 0; index < count; index++) {
    const file = `${folder}/${String(index).padStart(4, "0")}-0.png`;
    const { data, info } = await sharp(readFileSync(file)).raw().toBuffer({ resolveWithObject: true });
    const bytes = Float32Array.from(data, (value) => value / 127.5 - 1);
    all.push(fromTypedArray(bytes, [1, info.height, info.width, 3]).permute([0, 3, 1, 2]));
  }
  return cat(all);
}

/** Trains on moved, noisy and differently bright pictures. @returns functions of pictures: scores `[N, names]`, features */
export function trainJudge(images, { steps = 800, batch = 64, seed = 7 } = {}) {
  const generator = new Generator(seed);
  const [count] = images.shape;
  const judge = new Judge(count, generator).train();
  const optimizer = new AdamW(judge.parameters(), { lr: 3e-3, weightDecay: 0.01 });
  const rate = cosine(steps);
  for (let step = 0; step < steps; step++) {
    optimizer.lr = 3e-3 * rate(step);
    scope(() => {
      const rows = randint(0, count, [batch], { generator });
      const scores = judge.forward(changed(images.indexSelect(0, rows), generator));
      ops.cross_entropy_loss(scores, rows).backward();
      optimizer.step();
      optimizer.zeroGrad();
    });
  }
  judge.eval();
  return {
    scores: (drawn) => inferenceMode(() => judge.forward(drawn)),
    features: (drawn) => inferenceMode(() => judge.features(drawn)),
  };
}

function changed(images, generator) {
  const [count, , side] = images.shape;
  const reach = 3;
  const [down, right] = randint(0, 2 * reach + 1, [2], { generator })
    .toArray()
    .map(Number);
  const padded = ops.constant_pad_nd(images, [reach, reach, reach, reach], 1);
  const moved = padded.narrow(2, down, side).narrow(3, right, side);
  const noise = randn(moved.shape, { generator }).mul(rand([count, 1, 1, 1], { generator }).mul(0.4));
  const light = rand([count, 3, 1, 1], { generator }).mul(0.3).sub(0.15);
  return moved.add(noise).add(light);
}

/**
 * How often the right name scores best among 64: the right one and 63 others, drawn for each picture.
 * @param scores `[N, names]` @param right the name that each picture was asked for
 */
export function retrieval(scores, right, seed = 11) {
  const table = scores.toArray();
  const random = new Generator(seed);
  const others = randint(0, table[0].length, [right.length, 400], { generator: random }).toArray();
  const hits = right.filter((name, row) => {
    const candidates = new Set(others[row].map(Number).filter((other) => other !== name));
    return [...candidates].slice(0, 63).every((other) => table[row][other] < table[row][name]);
  });
  return hits.length / right.length;
}

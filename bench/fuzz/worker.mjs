// One worker of the target `workers`: makes, uses and drops tensors until it has done enough or is terminated.
import { parentPort, workerData } from "node:worker_threads";
import {
  AdamW,
  backward,
  checkpoint,
  defaultGenerator,
  Generator,
  inferenceMode,
  Linear,
  ops,
  rand,
  randn,
  scope,
  setNumThreads,
} from "@disback/torch";
import { randomOf } from "./random.mjs";

const { native } = await import(new URL("../../packages/torch/dist/binding.js", import.meta.url).href);
const { seed, index, number, steps } = workerData;
const random = randomOf(seed, `worker ${number}`, index);
setNumThreads(1);
const network = new Linear(4, 4);
const optimizer = new AdamW(network.parameters(), { learningRate: 1e-3 });
const generator = new Generator(number);
/** Handles of other workers: integers that mean something else here, or nothing. */
const foreign = [1, 2, 3];
parentPort.on("message", (handle) => foreign.push(handle));

const acts = [
  () =>
    scope(() =>
      backward([
        network
          .forward(rand([8, 4], { generator }))
          .pow(2)
          .mean(),
      ]),
    ),
  () => optimizer.step(),
  () => optimizer.zeroGrad(),
  () => rand([random.between(1, 2000)]),
  () => rand([64, 64]).dispose(),
  () => parentPort.postMessage(rand([2]).handle),
  () => native.readBytes(random.pick(foreign)),
  () => native.shape(random.pick(foreign)),
  () => ops.relu({ handle: random.pick(foreign) }),
  () => native.release(random.pick([90_000, -5, 0])),
  () => inferenceMode(() => network.forward(randn([2, 4]))),
  () =>
    scope(() =>
      checkpoint((x) => network.forward(x).relu(), rand([2, 4], { requiresGrad: true }))
        .sum()
        .backward(),
    ),
  () => defaultGenerator().manualSeed(random.below(100)),
  () => randn([100]),
  // Not awaited: it may be on its way when the worker is terminated.
  () => void native.readBytesAsync(rand([random.between(1, 200_000)]).handle).catch(() => {}),
  () => ops.add(rand([2]), rand([3])),
  () => ops.svd(rand([6, 6])),
  () => ops.conv2d(rand([1, 1, 8, 8]), rand([1, 1, 3, 3])),
];

const counts = { done: 0, refused: 0 };
for (let step = 0; step < steps; step++) {
  try {
    random.pick(acts)();
    counts.done++;
  } catch (error) {
    if (!(error instanceof Error)) throw new Error("not an Error");
    counts.refused++;
  }
  if (step % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
}
parentPort.postMessage(counts);
parentPort.close();

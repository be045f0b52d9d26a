// Several workers with the addon at once; some are terminated in the middle, and handles of one are used in another.
import { Worker } from "node:worker_threads";
import { ops, rand } from "@disback/torch";

const file = new URL("../worker.mjs", import.meta.url);

export function open(_name, _folder) {
  return {
    milliseconds: 60_000,
    memory: () => Infinity,
    make: (random, index) => ({ random, index }),
    async run({ random, index }) {
      const workers = Array.from(
        { length: random.between(2, 4) },
        (_, number) => new Worker(file, { workerData: { seed: 1, index, number, steps: 400 } }),
      ); // prettier-ignore
      const ends = workers.map(
        (worker, number) =>
          new Promise((resolve, reject) => {
            worker.on("message", (message) => {
              if (typeof message === "number") workers[(number + 1) % workers.length].postMessage(message);
            });
            worker.on("error", reject);
            worker.on("exit", resolve);
            if (random.chance(40)) setTimeout(() => worker.terminate(), random.below(2500));
          }),
      ); // prettier-ignore
      // This thread goes on as well.
      const own = setInterval(() => ops.matmul(rand([32, 32]), rand([32, 32])).dispose(), 5);
      try {
        await Promise.all(ends);
      } finally {
        clearInterval(own);
        await Promise.all(workers.map((worker) => worker.terminate()));
      }
    },
    judge: () => "a worker failed",
  };
}

// One member of the group of distributed.test.ts: trains a small network on its share of a batch, on the device of the
// second word (default: the CPU), and prints what came out.
import { setTimeout } from "node:timers/promises";
import {
  Generator,
  GradientReducer,
  Linear,
  ProcessGroup,
  randn,
  Sequential,
  SiLU,
  setNumThreads,
  tensor,
} from "@disback/torch";

setNumThreads(1);
const [task, device = "cpu"] = process.argv.slice(2);
const group = ProcessGroup.fromEnvironment({ device, timeoutSeconds: Number(process.env.TIMEOUT ?? 30) });
const say = (value) => console.log(JSON.stringify(value));

if (task === "collectives") {
  const own = tensor([group.rank + 1, 10 * group.rank], { device });
  const summed = own.clone();
  group.allReduce(summed);
  const largest = own.clone();
  group.allReduce(largest, "max");
  const first = own.clone();
  group.broadcast(first);
  group.barrier();
  say([summed, largest, first, ...group.allGather(own)].map((one) => one.toArray()));
} else if (task === "gradients") {
  const random = new Generator(3);
  const network = new Sequential(
    new Linear(8, 32, { generator: random }),
    new SiLU(),
    new Linear(32, 4, { generator: random }),
  ).to({ device });
  const parameters = network.parameters();
  const reducer = new GradientReducer(group, parameters, { bucketBytes: 600 });
  const batch = randn([16, 8], { generator: random }).to({ device });
  const share = batch.narrow(0, (group.rank * 16) / group.size, 16 / group.size);
  for (let step = 0; step < 3; step++) {
    for (const parameter of parameters) parameter.grad = null;
    reducer.backward([network.forward(share).square().mean()]);
  }
  say(parameters.map((parameter) => parameter.grad.flatten().toArray()));
} else if (task === "missing") {
  if (group.rank === 1) process.kill(process.pid, "SIGKILL");
  await setTimeout(200);
  try {
    group.allReduce(tensor([1], { device }));
  } catch (error) {
    say({ name: error.name, ranks: error.ranks, message: error.message });
  }
}
group.leave();

// What `@disback/torch` exports: functions, classes and the tensor's methods, with arguments of any kind.
import * as torch from "@disback/torch";
import { anyInteger, anyTensor, anything, tasteOf } from "../values.mjs";

/** They change the whole process, or wait for other processes, as they should. */
const leftOut = ["setNumThreads", "setMemoryLimit", "allowTf32", "ProcessGroup", "GradientReducer"];
const exported = Object.entries(torch).filter(
  ([name, value]) => typeof value === "function" && !leftOut.includes(name),
);
const functions = exported.filter(([, value]) => !isClass(value));
const classes = exported.filter(([name, value]) => isClass(value) && !/Error$/.test(name));
const methods = methodsOf(torch.Tensor);

function isClass(value) {
  return /^class\b/.test(Function.prototype.toString.call(value));
}

function methodsOf(kind) {
  const names = Object.getOwnPropertyNames(kind.prototype).filter((name) => name !== "constructor");
  return names.map((name) => ({
    name,
    read: typeof Object.getOwnPropertyDescriptor(kind.prototype, name).get === "function",
  }));
}

function argument(random, taste) {
  switch (random.below(7)) {
    case 0:
      return anything(random, taste);
    case 1:
      return anyInteger(random);
    case 2:
      return [...taste.shape];
    case 3:
      return random.pick([(x) => x, () => torch.rand([2]), () => 1, (x) => x.mul(2).sum()]);
    case 4:
      return random.pick([
        {},
        { dtype: "int64" },
        { requiresGrad: true },
        { dim: 0 },
        { gradient: null },
        "float32",
        "mean",
      ]);
    case 5:
      return [anyTensor(random, taste), anyTensor(random, taste)];
    default:
      return anyTensor(random, taste);
  }
}

export function open() {
  return {
    milliseconds: 10_000,
    memory: () => Infinity,
    make: (random) => ({ random }),
    async run({ random }) {
      const taste = tasteOf(random);
      const values = () =>
        Array.from({ length: random.pick([0, 1, 1, 2, 2, 3, 4]) }, () => argument(random, taste));
      let result;
      if (random.chance(50)) {
        const self = anyTensor(random, taste);
        const { name, read } = random.pick(methods);
        result = read ? self[name] : self[name](...values());
        if (!self.disposed && random.chance(20)) String(self);
      } else if (random.chance(70)) {
        result = random.pick(functions)[1](...values());
      } else {
        const [, kind] = random.pick(classes);
        const made = new kind(...values());
        const member = random.pick(
          methodsOf(kind).concat([
            { name: "forward" },
            { name: "stateDict" },
            { name: "state" },
            { name: "step" },
          ]),
        );
        result = member.read ? made[member.name] : made[member.name]?.(...values());
        made.dispose?.();
      }
      await result;
      result?.dispose?.();
    },
    judge: (error) => (error instanceof Error ? undefined : "not an Error"),
  };
}

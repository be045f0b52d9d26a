// The addon's own functions, below the typed ones: wrong handles, kinds, numbers of arguments.
import { fileURLToPath } from "node:url";
import { rand } from "@disback/torch";
import { anyInteger, anything } from "../values.mjs";

const { native } = await import(new URL("../../../packages/torch/dist/binding.js", import.meta.url).href);
const scriptPath = fileURLToPath(
  new URL("../../../packages/disback/test/fixtures/metrics/tinyInception.pt", import.meta.url),
);

/**
 * What each function takes. All of them but the two that the package calls once while it loads; the test of this target
 * compares the list with the addon's.
 */
export const signatures = {
  createFromBytes: ["array", "dtype", "shape"],
  readBytes: ["handle"],
  readBytesAsync: ["handle"],
  shape: ["handle"],
  strides: ["handle"],
  scalarType: ["handle"],
  device: ["handle"],
  numel: ["handle"],
  isContiguous: ["handle", "small"],
  dataAddress: ["handle"],
  release: ["handle"],
  releaseMany: ["handleArray", "integer"],
  watch: ["handle", "object"],
  sweep: [],
  collectTensors: [],
  liveTensors: [],
  backward: ["handles", "gradients", "flag", "flag"],
  gradient: ["handles", "handles", "gradients", "flag", "flag", "flag"],
  getGrad: ["handle"],
  setGrad: ["handle", "maybeHandle"],
  grads: ["handles", "handleArray"],
  zeroGrads: ["handles"],
  requiresGrad: ["handle"],
  setRequiresGrad: ["handle", "flag"],
  isLeaf: ["handle"],
  gradMode: [],
  setGradMode: ["flag"],
  enterInference: [],
  leaveInference: [],
  checkpointed: ["handles", "handles", "callback"],
  createGenerator: ["device", "seed"],
  defaultGenerator: ["device"],
  generatorSetSeed: ["generator", "seed"],
  generatorGetState: ["generator"],
  generatorSetState: ["generator", "handle"],
  version: [],
  configuration: [],
  schemas: [],
  setThreads: ["threads"],
  getThreads: [],
  builtWithCuda: [],
  cudaDeviceCount: [],
  memory: ["device"],
  setMemoryLimit: ["bytes"],
  synchronize: ["device"],
  resetPeakMemory: ["device"],
  emptyMemoryCache: ["device"],
  enterAutocast: ["device", "dtype"],
  leaveAutocast: ["device", "flag", "dtype"],
  clearAutocastCache: [],
  setTf32: ["flag"],
  loadScript: ["path", "device"],
  runScript: ["script", "method", "scriptValues", "names", "scriptValues"],
  operator: ["operator", "overload", "flag"],
  observe: ["observer"],
  startProfile: ["flag"],
  stopProfile: [],
  createGraph: ["device"],
  warmUpGraph: ["graph", "step"],
  captureGraph: ["graph", "step", "flag"],
  refuseCapture: ["method"],
  replayGraph: ["graph"],
  releaseGraph: ["graph"],
  joinGroup: ["group", "rank", "size", "address", "port", "patience"],
  ncclAbsence: [],
  addGpu: ["group", "device"],
  leaveGroup: ["group"],
  allReduce: ["group", "handle", "reduction"],
  broadcast: ["group", "handle", "rank"],
  allGather: ["group", "handle"],
  finishCollectives: ["group", "handle"],
  rollCall: ["group", "patience"],
  finishTurn: ["group", "turn"],
  awaitTurn: ["group", "turn", "rank", "patience"],
  createReducer: ["group", "leaves", "bytes"],
  prepareReducer: ["reducer"],
};
const names = Object.keys(signatures);

/** Handles of tensors that are alive, or were. */
const known = [];
const generators = [];
const scripts = [native.loadScript(scriptPath, "cpu")];
const graphs = [];
const reducers = [];

/** Kinds whose value decides how long a function waits: never random. */
const patient = new Set(["patience", "turn", "size"]);

/** A group of this process alone. */
function joinAlone() {
  native.joinGroup("alone", 0, 1, "127.0.0.1", 0, 1000);
  native.finishTurn("alone", "done");
}

function fill() {
  for (const shape of [[], [3], [2, 3], [2, 3], [0, 2], [1, 1, 8, 8]]) {
    const array = new Float32Array(shape.reduce((size, side) => size * side, 1)).fill(0.5);
    const handle = native.createFromBytes(array, 6, shape);
    if (shape.length > 0) native.setRequiresGrad(handle, shape.length === 2);
    known.push(handle);
  }
  if (known.length > 40) for (const handle of known.splice(0, 20)) native.release(handle);
  generators.push(native.createGenerator("cpu", 5n));
  if (generators.length > 8) generators.shift();
  graphs.push(native.createGraph("cpu"));
  if (graphs.length > 4) graphs.shift();
}

function makeValue(random, kind) {
  const handle = () =>
    random.chance(85)
      ? random.pick(known)
      : random.pick([0, -1, 1.5, NaN, Infinity, 2 ** 32 - 1, 2 ** 32, 2 ** 53, 77_777]);
  const list = (make) => Array.from({ length: random.below(4) }, make);
  switch (kind) {
    case "handle":
      return handle();
    case "maybeHandle":
      return random.chance(30) ? null : handle();
    case "handles":
      return random.chance(40) ? Uint32Array.from(list(handle)) : list(handle);
    case "handleArray":
      return Uint32Array.from(list(handle));
    case "gradients":
      return random.chance(50) ? null : list(() => (random.chance(30) ? null : handle()));
    case "flag":
      return random.chance(50);
    case "small":
      return random.between(-2, 6);
    case "integer":
      return anyInteger(random);
    case "dtype":
      return random.chance(60) ? 6 : random.between(-3, 60);
    case "shape":
      return random.pick([
        [2],
        [],
        [2, 1],
        [0],
        [2 ** 31, 2 ** 31, 2 ** 31],
        [-2, -1],
        [2 ** 53],
        [0, 2 ** 62],
        Array(100).fill(1),
        [1, 2, 1],
      ]);
    case "array":
      return random.pick([
        new Float32Array(2),
        new Float64Array(2),
        new Uint8Array(8),
        new BigInt64Array(1),
        new DataView(new ArrayBuffer(8)),
        new ArrayBuffer(8),
        new Uint8Array(new SharedArrayBuffer(8)),
      ]); // prettier-ignore
    case "object":
      return random.pick([{}, [], () => 1, Symbol("x"), native]);
    case "leaves":
      return list(() => rand([2, 3], { requiresGrad: random.chance(90) }).handle);
    case "threads":
      return random.pick([1, 2, 0, -1, 4097, NaN]);
    case "bytes":
      return random.pick([0, 1, 1000, 2 ** 20, 2 ** 40, -1, 1.5, NaN]);
    case "graph":
      return random.chance(85) ? random.pick(graphs) : random.pick([{}, scripts[0], generators[0]]);
    case "reducer":
      return random.chance(85) && reducers.length > 0 ? random.pick(reducers) : random.pick([{}, graphs[0]]);
    case "step":
      return random.pick([
        () => add(random.pick(known), random.pick(known)),
        () => native.release(add(random.pick(known), random.pick(known))),
        () => native.backward([random.pick(known)], null, false, false),
        () => native.readBytes(random.pick(known)),
        () => native.releaseGraph(random.pick(graphs)),
        () => native.replayGraph(random.pick(graphs)),
        () => native.captureGraph(random.pick(graphs), () => {}, true),
        () => native.warmUpGraph(random.pick(graphs), () => add(known[0], known[0])),
        () => native.observe(() => {}),
        () => {
          throw new Error("in the step");
        },
      ]);
    case "observer":
      return random.pick([
        null,
        () => {},
        () => native.observe(null),
        () => add(random.pick(known), random.pick(known)),
        () => native.release(random.pick(known)),
        () => {
          throw new Error("in the observer");
        },
      ]);
    case "group":
      return random.chance(85) ? "alone" : random.pick(["other", "", "\0", "x".repeat(3000)]);
    case "rank":
      return random.pick([0, 0, 0, 1, -1, 2 ** 31, NaN]);
    case "size":
      return random.pick([1, 1, 1, 0, -1, NaN]);
    case "address":
      return random.pick(["127.0.0.1", "127.0.0.1", "localhost", "", "\0", "no such host"]);
    case "port":
      return random.pick([0, 0, 0, -1, 70_000, 1]);
    case "patience":
      return random.pick([100, 1, 0, -1, NaN]);
    case "turn":
      return random.pick(["done", "done", "", "\0"]);
    case "reduction":
      return random.pick(["sum", "product", "min", "max", "", "mean"]);
    case "callback":
      return random.pick([
        (gradients) => gradients,
        () => [],
        () => undefined,
        () => [null, null, null],
        () => Array(1000).fill(null),
        () => [random.pick(known)],
        () => {
          throw new Error("in the block");
        },
        () => {
          native.release(random.pick(known));
          return [null];
        },
      ]);
    case "device":
      return random.pick([
        "cpu",
        "cuda",
        "meta",
        "cuda:99",
        "",
        "cpu:-1",
        "\0",
        "x".repeat(5000),
        "mps",
        "xla:0",
      ]);
    case "seed":
      return random.pick([0n, 1n, -1n, 2n ** 63n - 1n, 2n ** 64n, 5, NaN]);
    case "generator":
      return random.chance(85) ? random.pick(generators) : random.pick([{}, scripts[0], null]);
    case "script":
      return random.chance(85) ? scripts[0] : random.pick([{}, generators[0], 5]);
    case "path":
      return random.pick(["/nonexistent", "", "\0", "/", scriptPath]);
    case "method":
      return random.pick(["forward", "", "nothing", "__init__", "x".repeat(3000)]);
    case "scriptValues":
      return random.chance(85)
        ? list(() => random.pick([{ tensor: handle() }, 1, NaN, 1e300, true, "x", null, {}, [], handle]))
        : undefined;
    case "names":
      return list(() => random.pick(["x", "return_features", "", 5]));
    case "operator":
      return random.pick([
        "aten::add",
        "aten::relu",
        "prim::Print",
        "aten::nothing",
        "",
        "::",
        "add",
        "\0",
        "quantized::linear",
        "x".repeat(10_000),
      ]);
    default:
      return random.pick(["Tensor", "", "nothing", "out"]);
  }
}

const add = native.operator("aten::add", "Tensor", false);

export function open() {
  const taste = { shape: [2, 3], dtype: "float32", fitting: 80 };
  return {
    milliseconds: 3000,
    memory: () => Infinity,
    make: (random) => ({ random, name: random.pick(names) }),
    async run({ random, name }) {
      fill();
      if (name.endsWith("Group") || /^all|broadcast|Turn|roll|Collectives|Reducer/.test(name)) joinAlone();
      // A graph to go back through.
      known.push(rand([2, 3], { requiresGrad: true }).sum().handle);
      const values = signatures[name].map((kind) =>
        random.chance(12) && !patient.has(kind) ? anything(random, taste) : makeValue(random, kind),
      );
      if (random.chance(4)) values.pop();
      if (random.chance(4)) values.push(...Array(random.below(40)).fill(1));
      try {
        const result = await native[name](...values);
        if (name === "operator") result(random.pick(known), random.pick(known));
        if (name === "checkpointed") native.backward(result, null, false, false);
        if (typeof result === "number" && /grad|State|create/i.test(name)) known.push(result);
        if (name === "captureGraph") native.replayGraph(values[0]);
        if (name === "observe" || name === "startProfile") add(random.pick(known), random.pick(known));
        if (name === "createReducer") {
          reducers.push(result);
          if (reducers.length > 4) reducers.shift();
          if (random.chance(70)) native.prepareReducer(result);
          native.backward(values[1], values[1], false, false);
        }
      } finally {
        native.observe(null);
        native.setMemoryLimit(0);
        native.setThreads(1);
        stopProfile();
        native.leaveInference();
        native.setGradMode(true);
        native.leaveAutocast("cpu", false, 15);
      }
    },
    judge: (error) => (error instanceof Error ? undefined : "not an Error"),
  };
}

/** Ends a profile that the input may have begun. */
function stopProfile() {
  try {
    native.stopProfile();
  } catch {}
}

import {
  type GlobalTable,
  type KnownGlobal,
  type MakingContext,
  PickleGlobal,
  PickleObject,
  PickleTuple,
  type PickleValue,
} from "../pickle/values.js";
import { readLegacy } from "./legacy.js";
import { formatOfStorage, isDtypeName } from "./storage-types.js";
import { StoredNumbers, StoredTensor } from "./stored-tensor.js";

type Make = NonNullable<KnownGlobal["make"]>;

/** (storage, offset, shape, stride, …): all forms of `_rebuild_tensor` begin so */
const rebuildTensor: Make = ([numbers, offset, shape, stride], { fail }) => {
  if (!(numbers instanceof StoredNumbers)) return fail("a tensor without its storage");
  return new StoredTensor(numbers, offset as number, sizes(shape, fail), sizes(stride, fail), fail);
};

/** A parameter is its tensor here: (tensor, requires_grad, hooks, …). */
const rebuildParameter: Make = ([tensor], { fail }) =>
  tensor instanceof StoredTensor ? tensor : fail("a parameter without its tensor");

/** (function, type, arguments, attributes): a tensor with attributes, which are left out. */
const rebuildFromType: Make = ([callee, , args], context) => {
  const isRebuild = callee instanceof PickleGlobal && callee.name.startsWith("torch._utils._rebuild");
  if (!isRebuild || !callee.known.make || !(args instanceof PickleTuple)) {
    return context.fail("its arguments rebuild no tensor");
  }
  return callee.known.make(args.items, context);
};

/** A storage pickled outside `torch.save`: bytes that contain another checkpoint. */
const loadFromBytes: Make = ([bytes], { fail, limits, place }) => {
  if (!(bytes instanceof Uint8Array)) return fail("a storage without bytes");
  limits.copy(bytes.length, fail);
  const value = readLegacy(bytes, { name: `${place}, storage`, limits, globals: storageOnly });
  return value instanceof StoredNumbers ? value : fail("bytes that hold no storage");
};

/** Such bytes may only name the storage's class, so they cannot nest. */
const storageOnly: GlobalTable = (name) => (formatOfStorage(name) ? {} : undefined);

function sizes(value: PickleValue | undefined, fail: MakingContext["fail"]): number[] {
  const items = value instanceof PickleTuple ? value.items : value;
  return Array.isArray(items) ? (items as number[]) : fail("a tensor without shape or stride");
}

const known = new Map<string, KnownGlobal>([
  ["torch._utils._rebuild_tensor", { make: rebuildTensor }],
  ["torch._utils._rebuild_tensor_v2", { make: rebuildTensor }],
  ["torch._utils._rebuild_parameter", { make: rebuildParameter }],
  ["torch._utils._rebuild_parameter_with_state", { make: rebuildParameter }],
  ["torch._tensor._rebuild_from_type_v2", { make: rebuildFromType }],
  ["torch.storage._load_from_bytes", { make: loadFromBytes }],
  ["torch.Tensor", {}],
  ["torch.nn.parameter.Parameter", {}],
  ["torch.Size", { make: ([items], { fail }) => new PickleTuple(sizes(items ?? null, fail)) }],
  ["torch.device", { make: (args) => new PickleObject("torch.device", args) }],
]);

/** PyTorch's tensors, storages, dtypes, and its own layers as plain records. */
export function torchGlobals(name: string): KnownGlobal | undefined {
  if (formatOfStorage(name) || isDtypeName(name)) return {};
  if (/^torch\.nn\.modules\.\w+\.[A-Z]\w*$/.test(name)) {
    return { make: (args) => new PickleObject(name, args) };
  }
  return known.get(name);
}

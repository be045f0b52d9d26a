import { DisbackError } from "../errors.js";
import { asTensor, isTensor } from "./checkpoint/numpy-tensor.js";
import type { Checkpoint } from "./checkpoint/open-checkpoint.js";
import type { StoredTensor } from "./checkpoint/stored-tensor.js";
import { constructionOf, constructionTensors } from "./edm/construction.js";
import { submodules } from "./edm/edm-network.js";
import { moduleTensors } from "./edm/module-tensors.js";
import { PersistentObject } from "./edm/persistent-object.js";
import { shown } from "./pickle/text-values.js";
import type { PickleValue } from "./pickle/values.js";

/** Largest nesting of dicts that are searched. */
const deepest = 3;
/** Largest number of listed networks. */
const mostNetworks = 100;
/** Names of averaged weights, then of plain weights; the first existing one is used. */
const preferred = [
  "ema",
  "net_ema",
  "model_ema",
  "ema_model",
  "ema_state_dict",
  "G_ema",
  "state_dict",
  "net",
  "model",
  "unet",
];

/** A network found in a checkpoint. */
export interface FoundWeights {
  /** its place: keys joined by dots, "" for the whole file */
  key: string;
  /** the network as an object, if the file has more than its weights */
  object?: PersistentObject;
  tensors: ReadonlyMap<string, StoredTensor>;
  /** keys of the other networks in the file */
  others: string[];
  /** other entries of the file's outermost dict */
  beside: ReadonlyMap<string, PickleValue>;
}

/**
 * Finds the network in a checkpoint: the averaged weights if there are any. @param key selects another one @throws
 * DisbackError naming the file and its content
 */
export function findWeights({ path, value }: Checkpoint, key?: string): FoundWeights {
  const found = new Map<string, PickleValue>();
  search(value, "", 0, found, new Map());
  const names = [...found.keys()].map((name) => shown(name) || "(the whole file)");
  if (found.size === 0)
    throw new DisbackError(`${path}: holds no network and no dict of tensors${holds(value)}`);
  const chosen = key ?? choose([...found.keys()]);
  if (chosen === undefined) {
    throw new DisbackError(`${path}: holds several networks: ${names.join(", ")}; choose one with --ema`);
  }
  const entry = found.get(chosen);
  if (entry === undefined) {
    throw new DisbackError(`${path}: no network under "${chosen}" (--ema); there is ${names.join(", ")}`);
  }
  const fail = (problem: string): never => {
    throw new DisbackError(`${path}${chosen === "" ? "" : `: "${shown(chosen)}"`}: ${problem}`);
  };
  const stored =
    entry instanceof PersistentObject ? objectTensors(entry, fail) : (entry as Map<PickleValue, PickleValue>);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, tensor] of stored) {
    if (typeof name === "string" && isTensor(tensor)) tensors.set(name, asTensor(tensor, fail));
  }
  const others = [...found.keys()].filter((name) => name !== chosen);
  return {
    key: chosen,
    ...(entry instanceof PersistentObject ? { object: entry } : {}),
    tensors,
    others,
    beside: besides(value, [...found.keys()]),
  };
}

/** Weights without a wrapper's prefix ("module."); undefined if there is no such key. */
export function withoutPrefix(
  tensors: ReadonlyMap<string, StoredTensor>,
  key: string,
): Map<string, StoredTensor> | undefined {
  const found = [...tensors.keys()].find(
    (name) => name === key || (/^(module|_orig_mod)\./.test(name) && name.endsWith(`.${key}`)),
  );
  if (found === undefined) return undefined;
  const prefix = found.slice(0, -key.length);
  if (!/^((module|_orig_mod)\.)*$/.test(prefix)) return undefined;
  const inside = [...tensors].filter(([name]) => name.startsWith(prefix));
  return new Map(inside.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

/** Entries of the file that are not empty and not a network. */
function besides(value: PickleValue, networks: string[]): Map<string, PickleValue> {
  if (!(value instanceof Map) || networks.includes("")) return new Map();
  const isNetwork = (name: string) => networks.some((key) => key === name || key.startsWith(`${name}.`));
  return new Map(
    [...value].filter(
      (entry): entry is [string, PickleValue] =>
        typeof entry[0] === "string" && entry[1] !== null && !isNetwork(entry[0]),
    ),
  );
}

function objectTensors(
  object: PersistentObject,
  fail: (problem: string) => never,
): Map<PickleValue, PickleValue> {
  const construction = constructionOf(object);
  return construction ? constructionTensors(construction, fail) : moduleTensors(object, fail);
}

/** @param seen results by dict, so that a shared dict is searched only once */
function search(
  value: PickleValue,
  key: string,
  depth: number,
  found: Map<string, PickleValue>,
  seen: Map<PickleValue, boolean>,
): void {
  if (found.size >= mostNetworks) return;
  if (value instanceof PersistentObject) {
    if (submodules(value).size > 0 || constructionOf(value)) found.set(key, value);
  } else if (value instanceof Map) {
    const known = seen.get(value);
    const isWeights = known ?? isStateDict(value);
    seen.set(value, isWeights);
    if (isWeights) found.set(key, value);
    else if (depth < deepest && known === undefined) {
      for (const [name, entry] of value) {
        if (typeof name !== "string") continue;
        search(entry, key === "" ? name : `${key}.${name}`, depth + 1, found, seen);
      }
    }
  }
}

/** Whether a dict holds tensors and nothing else that may hold a network. */
function isStateDict(dict: ReadonlyMap<PickleValue, PickleValue>): boolean {
  let tensors = 0;
  for (const value of dict.values()) {
    if (isTensor(value)) tensors++;
    else if (value instanceof Map || value instanceof PersistentObject) return false;
  }
  return tensors > 0;
}

function choose(keys: string[]): string | undefined {
  if (keys.length === 1) return keys[0];
  for (const name of preferred) {
    const match = keys.find((key) => key.split(".").at(-1) === name);
    if (match !== undefined) return match;
  }
  return undefined;
}

/** The content of the file, for the message. */
function holds(value: PickleValue): string {
  if (!(value instanceof Map)) return "";
  const keys = [...value.keys()].slice(0, 8).filter((key) => typeof key === "string");
  return keys.length > 0 ? `, only ${keys.map((key) => shown(key)).join(", ")}` : "";
}

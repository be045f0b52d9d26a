import type { PickleMachine } from "./machine.js";
import { parseFloatText, parseQuoted, parseRawUnicode, parseWhole } from "./text-values.js";
import { PickleGlobal, PickleObject, PickleRecord, PickleTuple, type PickleValue } from "./values.js";

type Instruction = (machine: PickleMachine) => void;

/** The instructions of a pickle by code, with the names of Python's `pickletools`. */
export const instructions: readonly (Instruction | undefined)[] = table({
  // Protocol 0 to 5 and frames
  "\x80": ({ reader, fail }) => {
    const protocol = reader.uint8();
    if (protocol > 5) fail(`protocol ${protocol} is not known (0 to 5 are)`);
  },
  "\x95": ({ reader, fail }) => {
    const length = reader.uint64();
    const left = reader.bytes.length - reader.position;
    if (length > left) fail(`a frame of ${length} bytes, but ${left} are left: cut short or damaged`);
  },

  // Constants and numbers
  N: (machine) => machine.push(null),
  "\x88": (machine) => machine.push(true),
  "\x89": (machine) => machine.push(false),
  I: (machine) => machine.push(parseWhole(machine.reader.line(), machine.limits, machine.fail)),
  L: (machine) => machine.push(parseWhole(machine.reader.line(), machine.limits, machine.fail)),
  J: (machine) => machine.push(machine.reader.int32()),
  K: (machine) => machine.push(machine.reader.uint8()),
  M: (machine) => machine.push(machine.reader.uint16()),
  "\x8a": (machine) => machine.push(machine.reader.whole(machine.reader.uint8())),
  "\x8b": (machine) => machine.push(machine.reader.whole(length(machine, machine.reader.int32()))),
  F: (machine) => machine.push(parseFloatText(machine.reader.line(), machine.fail)),
  G: (machine) => machine.push(machine.reader.float64()),

  // Texts and bytes; Python 2's byte strings become Latin-1 text
  S: (machine) => machine.push(parseQuoted(machine.reader.line(), machine.fail)),
  T: (machine) => machine.push(machine.reader.latin1(length(machine, machine.reader.int32()))),
  U: (machine) => machine.push(machine.reader.latin1(machine.reader.uint8())),
  V: (machine) => machine.push(parseRawUnicode(machine.reader.line(), machine.fail)),
  "\x8c": (machine) => machine.push(machine.reader.utf8(machine.reader.uint8())),
  X: (machine) => machine.push(machine.reader.utf8(machine.reader.uint32())),
  "\x8d": (machine) => machine.push(machine.reader.utf8(machine.reader.uint64())),
  C: (machine) => machine.push(machine.reader.take(machine.reader.uint8())),
  B: (machine) => machine.push(machine.reader.take(machine.reader.uint32())),
  "\x8e": (machine) => machine.push(machine.reader.take(machine.reader.uint64())),
  "\x96": (machine) => machine.push(machine.reader.take(machine.reader.uint64())),

  // Lists, tuples, dicts and sets
  "]": (machine) => machine.pushContainer([]),
  ")": (machine) => machine.push(emptyTuple),
  "}": (machine) => machine.pushContainer(new Map()),
  "\x8f": (machine) => machine.pushContainer(new Set()),
  l: (machine) => machine.pushContainer(machine.popToMark()),
  t: (machine) => machine.pushContainer(new PickleTuple(machine.popToMark())),
  "\x85": (machine) => pushTuple(machine, 1),
  "\x86": (machine) => pushTuple(machine, 2),
  "\x87": (machine) => pushTuple(machine, 3),
  "\x91": (machine) => machine.pushContainer(new Set(machine.popToMark())),
  d: (machine) => {
    const items = machine.popToMark();
    machine.pushContainer(new Map());
    setItems(machine, items);
  },
  a: (machine) => append(machine, [machine.pop()]),
  e: (machine) => append(machine, machine.popToMark()),
  s: (machine) => {
    const value = machine.pop();
    setItems(machine, [machine.pop(), value]);
  },
  u: (machine) => setItems(machine, machine.popToMark()),
  "\x90": (machine) => {
    const items = machine.popToMark();
    const set = machine.top();
    if (set instanceof Set) for (const item of items) set.add(item);
    else if (!(set instanceof PickleObject)) machine.fail("items are added to what is not a set");
  },

  // The stack and the memo
  "(": (machine) => machine.mark(),
  "0": (machine) => (machine.atMark ? machine.popToMark() : machine.pop()),
  "1": (machine) => machine.popToMark(),
  "2": (machine) => machine.push(machine.top()),
  p: (machine) => remember(machine, index(machine)),
  q: (machine) => remember(machine, machine.reader.uint8()),
  r: (machine) => remember(machine, machine.reader.uint32()),
  "\x94": (machine) => remember(machine, machine.memo.size),
  g: (machine) => recall(machine, index(machine)),
  h: (machine) => recall(machine, machine.reader.uint8()),
  j: (machine) => recall(machine, machine.reader.uint32()),

  // Functions, classes and objects
  c: (machine) => {
    const module = machine.reader.line();
    machine.pushContainer(machine.lookUp(module, machine.reader.line()));
  },
  "\x93": (machine) => {
    const name = machine.pop();
    const module = machine.pop();
    if (typeof name !== "string" || typeof module !== "string") machine.fail("a function without a name");
    else machine.pushContainer(machine.lookUp(module, name));
  },
  R: (machine) => callWith(machine, machine.pop()),
  "\x81": (machine) => callWith(machine, machine.pop()),
  "\x92": (machine) => {
    const named = machine.pop();
    const args = machine.pop();
    if (named instanceof Map && named.size > 0) machine.fail("an object is made with named arguments");
    callWith(machine, args);
  },
  i: (machine) => {
    const module = machine.reader.line();
    const callee = machine.lookUp(module, machine.reader.line());
    machine.pushContainer(machine.call(callee, machine.popToMark()));
  },
  o: (machine) => {
    const [callee, ...args] = machine.popToMark();
    machine.pushContainer(machine.call(callee ?? null, args));
  },
  b: (machine) => {
    const state = machine.pop();
    const object = machine.top();
    // Attributes of a dict's subclass, as state_dict's `_metadata`, are not needed.
    if (object instanceof Map) return;
    if (!(object instanceof PickleRecord) || object instanceof PickleGlobal) {
      machine.fail("a state is given to what is not an object");
    } else object.setState(state, machine.fail);
  },
  P: (machine) => machine.pushContainer(machine.persistent(machine.reader.line())),
  Q: (machine) => machine.pushContainer(machine.persistent(machine.pop())),

  // Instructions that need the program that wrote them
  "\x82": (machine) => machine.fail("an extension code, which only its writer knows"),
  "\x83": (machine) => machine.fail("an extension code, which only its writer knows"),
  "\x84": (machine) => machine.fail("an extension code, which only its writer knows"),
  "\x97": (machine) => machine.fail("a buffer that lies outside of it"),
  "\x98": (machine) => machine.fail("a buffer that lies outside of it"),
});

const emptyTuple = new PickleTuple([]);

function table(byCharacter: Record<string, Instruction>): (Instruction | undefined)[] {
  const byCode: (Instruction | undefined)[] = Array(256).fill(undefined);
  for (const [character, instruction] of Object.entries(byCharacter)) {
    byCode[character.charCodeAt(0)] = instruction;
  }
  return byCode;
}

function length(machine: PickleMachine, value: number): number {
  return value < 0 ? machine.fail(`a length of ${value}`) : value;
}

function pushTuple(machine: PickleMachine, size: number): void {
  const items: PickleValue[] = [];
  for (let item = 0; item < size; item++) items.unshift(machine.pop());
  machine.pushContainer(new PickleTuple(items));
}

function append(machine: PickleMachine, items: PickleValue[]): void {
  const list = machine.top();
  if (Array.isArray(list)) for (const item of items) list.push(item);
  else if (!(list instanceof PickleObject)) machine.fail("items are appended to what is not a list");
}

/** @param items alternating keys and values */
function setItems(machine: PickleMachine, items: PickleValue[]): void {
  if (items.length % 2 !== 0) machine.fail("a key without a value");
  const dict = machine.top();
  if (dict instanceof Map) {
    for (let item = 0; item < items.length; item += 2) dict.set(items[item]!, items[item + 1]!);
  } else if (!(dict instanceof PickleObject)) machine.fail("entries are set in what is not a dict");
}

function index(machine: PickleMachine): number {
  const value = parseWhole(machine.reader.line(), machine.limits, machine.fail);
  return typeof value === "number" && value >= 0 ? value : Number(value);
}

function remember(machine: PickleMachine, place: number): void {
  machine.memo.set(place, machine.top());
}

function recall(machine: PickleMachine, place: number): void {
  const value = machine.memo.get(place);
  if (value === undefined) machine.fail(`it refers to value ${place}, which it has not stored`);
  else machine.push(value);
}

/** Takes the function or class from the stack and calls it. */
function callWith(machine: PickleMachine, args: PickleValue): void {
  const callee = machine.pop();
  if (!(args instanceof PickleTuple)) machine.fail("a call whose arguments are not a tuple");
  else machine.pushContainer(machine.call(callee, args.items));
}

import { DisbackError } from "../../errors.js";
import type { Limits } from "../pickle/limits.js";
import { readPickle } from "../pickle/read-pickle.js";
import { shown } from "../pickle/text-values.js";
import type { GlobalTable, PickleValue } from "../pickle/values.js";
import { storageReference } from "./storage-reference.js";
import { StoredNumbers } from "./stored-tensor.js";

/** First value of every such file. */
const magicNumber = 0x1950a86a20f9469cfc6cn;
/** That value in the file: a protocol 2 pickle of a 10-byte number. */
const magicBytes = Buffer.from("80028a0a6cfc9c46f9206aa850192e", "hex");
const protocolVersion = 1001;

/** Whether bytes start like a checkpoint of PyTorch before version 1.6. */
export function isLegacy(bytes: Uint8Array): boolean {
  return Buffer.compare(bytes.subarray(0, magicBytes.length), magicBytes) === 0;
}

/**
 * Reads PyTorch's older format, still used for storages inside plain pickles: pickles of a magic number, a version,
 * the machine's properties, the value and the storages' keys; then for each key its length and its numbers.
 * @throws DisbackError naming the file and the place
 */
export function readLegacy(
  bytes: Uint8Array,
  options: { name: string; globals: GlobalTable; limits: Limits },
): PickleValue {
  const { name } = options;
  const fail = (problem: string): never => {
    throw new DisbackError(`${name}: damaged or hostile checkpoint: ${problem}`);
  };
  const storages = new Map<string, StoredNumbers>();
  let position = 0;
  const next = (part: string, globals: GlobalTable = () => undefined): PickleValue => {
    const read = readPickle(bytes.subarray(position), {
      name: `${name} (${part})`,
      globals,
      limits: options.limits,
      persistent: (id, reject) => {
        const { format, key, length } = storageReference(id, reject);
        let numbers = storages.get(key);
        if (!numbers) {
          numbers = new StoredNumbers(format.dtype, format.bytes, length, () =>
            reject(`storage ${shown(key)} is missing`),
          );
          storages.set(key, numbers);
        }
        if (numbers.length !== length || numbers.dtype !== format.dtype) {
          reject(`storage ${shown(key)} has two types or lengths`);
        }
        return numbers;
      },
    });
    position += read.end;
    return read.value;
  };
  if (next("magic number") !== magicNumber) fail("it does not start as one");
  if (next("version") !== protocolVersion) fail("its version is not known");
  const machine = next("machine");
  const bigEndian = machine instanceof Map && machine.get("little_endian") === false;
  const value = next("contents", options.globals);
  const keys = next("keys");
  if (!Array.isArray(keys)) return fail("the list of storages is missing");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const key of keys) {
    const numbers = typeof key === "string" ? storages.get(key) : undefined;
    if (!numbers) return fail("a storage that nothing refers to");
    if (bytes.length - position < 8) fail("cut short before a storage");
    const length = Number(view.getBigInt64(position, !bigEndian));
    const size = numbers.length * numbers.itemBytes;
    if (length !== numbers.length)
      fail(`storage ${shown(key as string)} has ${length} numbers instead of ${numbers.length}`);
    if (bytes.length - position - 8 < size) fail(`cut short inside storage ${shown(key as string)}`);
    const content = bytes.subarray(position + 8, position + 8 + size);
    numbers.read = () => content;
    numbers.bigEndian = bigEndian;
    position += 8 + size;
    storages.delete(key as string);
  }
  const [missing] = storages.keys();
  if (missing !== undefined) fail(`storage ${shown(missing)} is missing`);
  return value;
}

import type { Fail } from "./fail.js";

/** Largest number of values on the machine's stack; Python's own pickler needs some thousands. */
const stackValues = 100_000;
/** Largest number of open containers. */
const openMarks = 10_000;
/** Digits of a whole number written as text, as in Python. */
const numberDigits = 4300;
/** Bytes of a whole number. */
const numberBytes = 2048;
/** Characters of a function's or storage's name. */
const nameCharacters = 500;
/** Bytes of one text. */
const textBytes = 2 ** 27;

/**
 * Keeps a pickle's memory below a small multiple of its size. Every value has a cost: containers by number, copies of
 * bytes by length.
 */
export class Limits {
  private containers: number;
  private copies: number;

  /** @param bytes size of the file */
  constructor(bytes: number) {
    this.containers = 10_000 + bytes / 4;
    this.copies = 65_536 + 4 * bytes;
  }

  container(fail: Fail): void {
    if (--this.containers < 0) fail("too many lists, dicts and objects for its size");
  }

  /** Bytes that are copied, or parsed again. */
  copy(bytes: number, fail: Fail): void {
    this.copies -= bytes;
    if (this.copies < 0) fail("data is unpacked to far more than the file's size");
  }

  stack(values: number, fail: Fail): void {
    if (values > stackValues) fail(`more than ${stackValues} values are nested or waiting`);
  }

  marks(open: number, fail: Fail): void {
    if (open > openMarks) fail(`containers are nested more than ${openMarks} deep`);
  }

  digits(count: number, fail: Fail): void {
    if (count > numberDigits) fail(`a number of ${count} digits`);
  }

  number(bytes: number, fail: Fail): void {
    if (bytes > numberBytes) fail(`a number of ${bytes} bytes`);
  }

  /** Names of functions and storages are compared and joined, which takes time at each use. */
  name(characters: number, fail: Fail): void {
    if (characters > nameCharacters) fail(`a name of ${characters} characters`);
  }

  text(bytes: number, fail: Fail): void {
    if (bytes > textBytes) fail(`a text of ${bytes} bytes`);
  }
}

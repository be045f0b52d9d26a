import { InvalidArgumentError } from "commander";

/** Reads a flag's whole number. @throws InvalidArgumentError if it is not a whole number, or below `minimum` */
export function whole(minimum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < minimum) {
      throw new InvalidArgumentError(`It must be a whole number of at least ${minimum}.`);
    }
    return value;
  };
}

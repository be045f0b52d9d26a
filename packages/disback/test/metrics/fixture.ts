import { fileURLToPath } from "node:url";
import { readSafetensors, type Tensor } from "@disback/torch";

/** Path of a file in test/fixtures/metrics. */
export const fixturePath = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/metrics/${name}`, import.meta.url));

/** The tensors of a fixture by name. */
export function fixture(name: string): (key: string) => Tensor {
  const { tensors } = readSafetensors(fixturePath(name));
  return (key) => {
    const found = tensors.get(key);
    if (!found) throw new Error(`${name} has no ${key}`);
    return found;
  };
}

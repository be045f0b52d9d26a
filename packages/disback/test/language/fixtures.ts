import { fileURLToPath } from "node:url";
import { readSafetensors, type Tensor } from "@disback/torch";

/** A file or folder of `make_language_fixtures.py`. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/language/${name}`, import.meta.url));
}

/** The tensors of a fixture. */
export function expected(name: string): Map<string, Tensor> {
  return readSafetensors(fixture(`${name}.safetensors`)).tensors;
}

/** Largest absolute difference. */
export function difference(a: Tensor, b: Tensor): number {
  return a.sub(b).abs().max().item();
}

import { statSync } from "node:fs";
import { readSafetensors } from "@disback/torch";
import { shortBytes } from "../wording.js";
import type { Description } from "./description.js";

const SHOWN = 12;

/** A safetensors file, by its name. */
export function describeSafetensors(path: string): Description | undefined {
  if (!path.endsWith(".safetensors") || statSync(path).isDirectory()) return undefined;
  const { tensors, metadata } = readSafetensors(path);
  const numbers = [...tensors.values()].reduce((sum, tensor) => sum + tensor.numel, 0);
  const shown = [...tensors].slice(0, SHOWN).map(([name, tensor]): [string, string] => {
    return [name, `${tensor.dtype} [${tensor.shape.join(", ")}]`];
  });
  const hidden = tensors.size - shown.length;
  return {
    kind: metadata.kind === "disback-reference" ? "reference statistics (safetensors)" : "safetensors file",
    facts: [
      ["size", shortBytes(statSync(path).size)],
      ["tensors", `${tensors.size}, ${numbers.toLocaleString("en")} numbers`],
      ...Object.entries(metadata).map(([name, value]): [string, string] => [`metadata ${name}`, value]),
      ...shown,
      ...(hidden > 0 ? [["…", `${hidden} more`] as [string, string]] : []),
    ],
  };
}

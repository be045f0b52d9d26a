import { existsSync, readdirSync, statSync } from "node:fs";
import { openDataset } from "../../data/dataset.js";
import type { Description } from "./inspect.js";

/** Anything `openDataset` reads; its errors say what is wrong with the rest. */
export async function describeDataset(path: string): Promise<Description | undefined> {
  if (existsSync(path) && statSync(path).isDirectory() && readdirSync(path).length === 0) return undefined;
  const dataset = await openDataset(path);
  const { classNames } = dataset;
  return {
    kind: "data set",
    facts: [
      ["name", dataset.name],
      ["samples", dataset.length.toLocaleString("en")],
      ["shape", `[${dataset.sampleShape.join(", ")}]`],
      [
        "classes",
        dataset.labelDim === 0
          ? "none"
          : `${dataset.labelDim}${classNames ? `: ${classNames.join(", ")}` : ""}`,
      ],
    ],
  };
}

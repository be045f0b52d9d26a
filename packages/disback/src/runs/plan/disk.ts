import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Amounts, PlannedStage } from "./plan.js";
import type { MeasuredStage } from "./rehearsal.js";

/** What a run writes. */
export interface DiskUse {
  name: string;
  bytes: number;
  /** how many, and how large each is */
  count: number;
}

/** What a run will write, by what it wrote with few steps. @param gridFactor how much larger its pictures are */
export function diskUse(
  folder: string,
  measured: readonly MeasuredStage[],
  planned: readonly PlannedStage[],
  { recording, checkpoints }: Amounts,
  gridFactor: number,
): DiskUse[] {
  const saved = Math.max(...measured.map(({ checkpointBytes }) => checkpointBytes));
  const models = ["student", "teacher"].filter((name) => existsSync(join(folder, name)));
  const copies = checkpoints.keepBest && measured.some(({ evaluation }) => evaluation) ? 2 : 1;
  const pictures = planned.reduce((total, { evaluations }) => total + evaluations, 0);
  return [
    // While the newest is written, none is removed.
    entry("checkpoints", saved, checkpoints.keepLast + 1),
    ...(recording ? [entry("nodes of the trajectory", nodeBytes(folder), nodeCount(recording))] : []),
    ...models.map((name) => entry(`${name}'s weights`, bytesBelow(join(folder, name)), copies)),
    entry("pictures of samples", gridFactor * pictureBytes(folder), pictures),
  ].filter(({ bytes }) => bytes > 0);
}

function entry(name: string, each: number, count: number): DiskUse {
  return { name, count, bytes: each * count };
}

/** The largest number of nodes. */
function nodeCount({
  nodes,
  nodeSteps,
  steps,
  interval,
  maximumNodes,
  nodeCount: asked,
}: NonNullable<Amounts["recording"]>): number {
  if (nodes === "even-distance") return asked ?? maximumNodes + 1;
  return nodeSteps?.length ?? Math.ceil(steps / interval);
}

function nodeBytes(folder: string): number {
  const trajectory = join(folder, "trajectory");
  if (!existsSync(trajectory)) return 0;
  const sizes = readdirSync(trajectory)
    .filter((name) => name.endsWith(".safetensors"))
    .map((name) => statSync(join(trajectory, name)).size);
  return Math.max(0, ...sizes);
}

function pictureBytes(folder: string): number {
  const samples = join(folder, "samples");
  const names = existsSync(samples) ? readdirSync(samples).filter((name) => /-\d+\.\w+$/.test(name)) : [];
  const moments = new Set(names.map((name) => name.replace(/\.\w+$/, ""))).size;
  return names.reduce((total, name) => total + statSync(join(samples, name)).size, 0) / Math.max(1, moments);
}

function bytesBelow(folder: string): number {
  return (readdirSync(folder, { recursive: true }) as string[])
    .map((name) => statSync(join(folder, name)))
    .reduce((total, file) => total + (file.isFile() ? file.size : 0), 0);
}

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Module, readSafetensors, scope, TorchError, writeSafetensors } from "@disback/torch";
import { z } from "zod";
import { DisbackError } from "../errors.js";
import { fingerprint } from "./fingerprint.js";

const manifestFile = "trajectory.json";

const nodeFile = /^node-\d+\.safetensors$/;

const nodeSchema = z.object({
  /** recording step after which the node was saved */
  step: z.number().int().min(1),
  /** weights, in the trajectory's folder */
  file: z.string().regex(nodeFile, "must be a plain file name"),
  /** distance to the node before (the teacher for the first), see `pathDistance` */
  distance: z.number().min(0),
  /** denoising loss on the student's samples when it was saved */
  loss: z.number(),
});

const manifestSchema = z.object({
  format: z.literal("disback-trajectory"),
  version: z.literal(1),
  /** fingerprint of the teacher: the trajectory's end */
  teacher: z.string(),
  /** where everything came from: seeds, steps, schedule, generator, versions */
  provenance: z.record(z.string(), z.unknown()),
  nodes: z.array(nodeSchema),
});

/** A point on the way from the teacher (0) to the initial student's distribution (the last one). */
export type TrajectoryNode = z.output<typeof nodeSchema>;
type Manifest = z.output<typeof manifestSchema>;

/**
 * The degradation path `D'_1, …, D'_N` of a teacher on disk: a manifest and one safetensors file per node, read when
 * needed, one at a time. `D'_0` is the teacher itself and is not stored. Walked from `N` down to 0 it is DisBack's
 * convergence trajectory.
 */
export class Trajectory {
  private constructor(
    readonly folder: string,
    private readonly manifest: Manifest,
  ) {}

  /** Starts an empty one. @throws DisbackError if there is one in the folder already */
  static create(folder: string, teacher: Module, provenance: Record<string, unknown>): Trajectory {
    if (existsSync(join(folder, manifestFile)))
      throw new DisbackError(`${folder}: already holds a trajectory; choose another folder or remove it`);
    mkdirSync(folder, { recursive: true });
    const trajectory = new Trajectory(folder, {
      format: "disback-trajectory",
      version: 1,
      teacher: fingerprint(teacher),
      provenance,
      nodes: [],
    });
    trajectory.writeManifest();
    return trajectory;
  }

  /** @throws DisbackError naming the manifest and what is wrong with it */
  static open(folder: string): Trajectory {
    const path = join(folder, manifestFile);
    let value: unknown;
    try {
      value = JSON.parse(readFileSync(path, "utf8"));
    } catch (error) {
      throw new DisbackError(
        error instanceof SyntaxError
          ? `${path}: not valid JSON`
          : `${folder}: not a trajectory (no ${manifestFile} in it)`,
      );
    }
    const parsed = manifestSchema.safeParse(value);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw new DisbackError(`${path}: ${issue!.path.join(".")}: ${issue!.message}`);
    }
    return new Trajectory(folder, parsed.data);
  }

  /** From the node next to the teacher (index 0 here, `D'_1`) to the most degraded one. */
  get nodes(): readonly TrajectoryNode[] {
    return this.manifest.nodes;
  }

  get provenance(): Readonly<Record<string, unknown>> {
    return this.manifest.provenance;
  }

  /** Saves a model as the next node. */
  append(model: Module, facts: Omit<TrajectoryNode, "file">): void {
    const file = `node-${String(facts.step).padStart(6, "0")}.safetensors`;
    writeSafetensors(join(this.folder, file), model.stateDict(), { step: String(facts.step) });
    this.manifest.nodes.push({ ...facts, file });
    this.writeManifest();
  }

  /** Forgets every second node, the one next to the teacher first; the node after it inherits its distance. */
  thin(): void {
    const nodes = this.manifest.nodes;
    const kept: TrajectoryNode[] = [];
    let way = 0;
    nodes.forEach((node, index) => {
      way += node.distance;
      if (index % 2 === 0 && index < nodes.length - 1) return;
      kept.push({ ...node, distance: way });
      way = 0;
    });
    this.manifest.nodes = kept;
    this.writeManifest();
  }

  /** Goes back to the nodes of an earlier moment: a resumed recording makes the later ones again. */
  restore(nodes: unknown): void {
    const parsed = z.array(nodeSchema).safeParse(nodes);
    if (!parsed.success)
      throw new DisbackError(`${this.folder}: the checkpoint does not say which nodes there were`);
    this.manifest.nodes = parsed.data;
    this.writeManifest();
  }

  /** Removes files of nodes that were forgotten. Not before the recording has ended: a checkpoint may want them back. */
  prune(): void {
    const wanted = new Set(this.nodes.map((node) => node.file));
    for (const file of readdirSync(this.folder)) {
      if (nodeFile.test(file) && !wanted.has(file)) rmSync(join(this.folder, file), { force: true });
    }
  }

  /**
   * Copies a node's weights into a model of the teacher's architecture; every key is checked.
   * @param index 1 to N: the node's place on the path
   */
  loadInto(model: Module, index: number): void {
    const node = this.nodes[index - 1];
    if (!node)
      throw new DisbackError(`${this.folder}: there is no node ${index}, only 1 to ${this.nodes.length}`);
    const path = join(this.folder, node.file);
    scope(() => {
      try {
        model.loadStateDict(readSafetensors(path).tensors);
      } catch (error) {
        if (!(error instanceof TorchError)) throw error;
        throw new DisbackError(error.message.startsWith(path) ? error.message : `${path}: ${error.message}`);
      }
    });
  }

  /** @throws DisbackError unless `teacher` is the model this path was recorded from */
  requireTeacher(teacher: Module): void {
    if (fingerprint(teacher) !== this.manifest.teacher)
      throw new DisbackError(
        `${this.folder}: this trajectory was recorded from another teacher, or with another setting of unconditional`,
      );
    if (this.nodes.length === 0)
      throw new DisbackError(`${this.folder}: this trajectory has no nodes; its recording was not finished`);
  }

  private writeManifest(): void {
    const path = join(this.folder, manifestFile);
    writeFileSync(`${path}.tmp`, `${JSON.stringify(this.manifest, null, 2)}\n`);
    renameSync(`${path}.tmp`, path);
  }
}

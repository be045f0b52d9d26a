import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Module, noGrad, readSafetensors, scope, TorchError, writeSafetensors } from "@disback/torch";
import { z } from "zod";
import { DisbackError } from "../errors.js";
import { fingerprint, hashFile } from "../training/hashing.js";
import type { Processes } from "../training/processes.js";
import { type NodeStorage, needsTeacher, packNode, unpackNode } from "./node-storage.js";
import {
  type Manifest,
  manifestFile,
  nodeFile,
  nodeSchema,
  readManifest,
  writeManifest,
} from "./trajectory-manifest.js";

/** A point on the way from the teacher (0) to the initial student's distribution (the last one). */
export type TrajectoryNode = z.output<typeof nodeSchema>;

/** What a recording's trajectory begins with. */
export interface BeginOptions {
  processes: Processes;
  /** the folder holds its beginning */
  resume: boolean;
  provenance: Record<string, unknown>;
  /** default: differences to the teacher */
  storage: NodeStorage | undefined;
}

/**
 * The degradation path `D'_1, …, D'_N` of a teacher on disk: a manifest and one safetensors file per node, read when
 * needed, one at a time. `D'_0` is the teacher itself and is not stored. Walked from `N` down to 0 it is DisBack's
 * convergence trajectory.
 */
export class Trajectory {
  private constructor(
    readonly folder: string,
    private readonly manifest: Manifest,
    /** Nodes may be stored as differences to it. */
    private teacher?: Module,
    /** Whether another process writes what happens here. */
    private readonly follows = false,
  ) {}

  /**
   * Starts an empty one.
   * @param teacher its end; has to stay as it is while nodes are appended
   * @param storage how nodes are stored, default full
   * @throws DisbackError if there is one in the folder already
   */
  static create(
    folder: string,
    teacher: Module,
    provenance: Record<string, unknown>,
    storage: NodeStorage = { kind: "full" },
  ): Trajectory {
    if (existsSync(join(folder, manifestFile)))
      throw new DisbackError(`${folder}: already holds a trajectory; choose another folder or remove it`);
    mkdirSync(folder, { recursive: true });
    const manifest = {
      format: "disback-trajectory",
      version: 2,
      teacher: fingerprint(teacher),
      storage,
      provenance,
      nodes: [],
    } satisfies Manifest;
    writeManifest(folder, manifest);
    return new Trajectory(folder, manifest, teacher);
  }

  /** @throws DisbackError naming the manifest and what is wrong with it */
  static open(folder: string): Trajectory {
    return new Trajectory(folder, readManifest(folder));
  }

  /** Opens one to append to it. @throws DisbackError as `open`, or if it was begun with another teacher */
  static resume(folder: string, teacher: Module): Trajectory {
    const trajectory = Trajectory.open(folder);
    trajectory.connect(teacher);
    return trajectory;
  }

  /** One that another process writes: knows its nodes, and touches no files. */
  static follow(folder: string, teacher: Module): Trajectory {
    const manifest = {
      format: "disback-trajectory",
      version: 2,
      teacher: "",
      storage: { kind: "full" },
      provenance: {},
      nodes: [],
    } satisfies Manifest;
    return new Trajectory(folder, manifest, teacher, true);
  }

  /** The trajectory of a recording that begins or goes on: one of its processes writes, the others follow. */
  static begin(folder: string, teacher: Module, options: BeginOptions): Trajectory {
    const { processes, resume, provenance, storage = { kind: "difference" } } = options;
    if (!processes.leads) return Trajectory.follow(folder, teacher);
    if (resume) return Trajectory.resume(folder, teacher);
    return Trajectory.create(folder, teacher, provenance, storage);
  }

  /** From the node next to the teacher (index 0 here, `D'_1`) to the most degraded one. */
  get nodes(): readonly TrajectoryNode[] {
    return this.manifest.nodes;
  }

  get provenance(): Readonly<Record<string, unknown>> {
    return this.manifest.provenance;
  }

  get storage(): Readonly<NodeStorage> {
    return this.manifest.storage;
  }

  /** Saves a model as the next node. */
  append(model: Module, facts: Pick<TrajectoryNode, "step" | "distance" | "loss">): void {
    const file = `node-${String(facts.step).padStart(6, "0")}.safetensors`;
    const path = join(this.folder, file);
    if (this.follows) {
      this.manifest.nodes.push(nodeSchema.parse({ ...facts, file }));
      return;
    }
    noGrad(() =>
      scope(() =>
        writeSafetensors(path, packNode(model, this.teacher!, this.storage), { step: String(facts.step) }),
      ),
    );
    // In the schema's order: a resumed recording writes the same manifest.
    const node = { ...facts, file, ...hashFile(path) };
    this.manifest.nodes.push(nodeSchema.parse(node));
    this.write();
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
    this.write();
  }

  /** Goes back to the nodes of an earlier moment: a resumed recording makes the later ones again. */
  restore(nodes: unknown): void {
    const parsed = z.array(nodeSchema).safeParse(nodes);
    if (!parsed.success)
      throw new DisbackError(`${this.folder}: the checkpoint does not say which nodes there were`);
    this.manifest.nodes = parsed.data;
    this.write();
  }

  /** Removes files of nodes that were forgotten. Not before the recording has ended: a checkpoint may want them back. */
  prune(): void {
    if (this.follows) return;
    const wanted = new Set(this.nodes.map((node) => node.file));
    for (const file of readdirSync(this.folder)) {
      if (nodeFile.test(file) && !wanted.has(file)) rmSync(join(this.folder, file), { force: true });
    }
  }

  /**
   * Copies a node's weights into a model of the teacher's architecture; the file's checksum and every key are checked.
   * Nodes that are stored as differences need to know the teacher: `requireTeacher` comes first.
   * @param index 1 to N: the node's place on the path
   * @throws DisbackError naming the file, and the key if it is one key's fault
   */
  loadInto(model: Module, index: number): void {
    const node = this.nodes[index - 1];
    if (!node)
      throw new DisbackError(`${this.folder}: there is no node ${index}, only 1 to ${this.nodes.length}`);
    if (needsTeacher(this.storage) && !this.teacher)
      throw new DisbackError(`${this.folder}: nodes are differences to the teacher, which is not known yet`);
    const path = join(this.folder, node.file);
    noGrad(() =>
      scope(() => {
        try {
          const { tensors } = readSafetensors(path);
          if (node.sha256 !== undefined && hashFile(path).sha256 !== node.sha256)
            throw new DisbackError(`${path}: damaged or altered, its checksum is not the manifest's`);
          model.loadStateDict(unpackNode(tensors, model, this.teacher, this.storage));
        } catch (error) {
          if (!(error instanceof TorchError)) throw error;
          throw new DisbackError(
            error.message.startsWith(path) ? error.message : `${path}: ${error.message}`,
          );
        }
      }),
    );
  }

  /** @throws DisbackError unless `teacher` is the model this path was recorded from */
  requireTeacher(teacher: Module): void {
    this.connect(teacher);
    if (this.nodes.length === 0)
      throw new DisbackError(`${this.folder}: this trajectory has no nodes; its recording was not finished`);
  }

  private write(): void {
    if (!this.follows) writeManifest(this.folder, this.manifest);
  }

  private connect(teacher: Module): void {
    if (fingerprint(teacher) !== this.manifest.teacher)
      throw new DisbackError(
        `${this.folder}: this trajectory was recorded from another teacher, or with another setting of unconditional`,
      );
    this.teacher = teacher;
  }
}

import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Module, noGrad, readSafetensors, scope, TorchError, writeSafetensors } from "@disback/torch";
import { z } from "zod";
import { DisbackError } from "../errors.js";
import { fingerprint, hashFile } from "../training/hashing.js";
import type { Processes } from "../training/processes.js";
import { adaptersOn } from "./adapter-nodes.js";
import { type NodeStorage, needsTeacher, packNode, unpackNode } from "./node-storage.js";
import {
  type Manifest,
  manifestFile,
  nodeFile,
  nodeSchema,
  readManifest,
  writeManifest,
} from "./trajectory-manifest.js";

/** A point on the path from the teacher (0) to the initial student's distribution (the last one). */
export type TrajectoryNode = z.output<typeof nodeSchema>;

/** How a recording opens its trajectory. */
export interface BeginOptions {
  processes: Processes;
  /** whether the folder holds its beginning */
  resume: boolean;
  provenance: Record<string, unknown>;
  /** default: differences to the teacher */
  storage: NodeStorage | undefined;
}

/**
 * The degradation path `D'_1, …, D'_N` of a teacher on disk: a manifest and one safetensors file per node. Nodes are
 * read one at a time, when needed. `D'_0` is the teacher itself and is not stored. Walked from `N` down to 0 it is
 * DisBack's convergence trajectory.
 */
export class Trajectory {
  private constructor(
    readonly folder: string,
    private readonly manifest: Manifest,
    /** Needed if nodes are stored as differences to the teacher. */
    private teacher?: Module,
    /** Whether another process writes the files. */
    private readonly follows = false,
  ) {}

  /**
   * Starts an empty trajectory. @param teacher its end; must not change while nodes are appended
   * @param storage how nodes are stored, default full
   * @throws DisbackError if the folder already holds one
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

  /** Opens a trajectory to append to it. @throws DisbackError as `open`, or if it belongs to another teacher */
  static resume(folder: string, teacher: Module): Trajectory {
    const trajectory = Trajectory.open(folder);
    trajectory.connect(teacher);
    return trajectory;
  }

  /** A trajectory that another process writes: knows its nodes, but touches no files. */
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

  /** The trajectory of a new or resumed recording: one of its processes writes, the others follow. */
  static begin(folder: string, teacher: Module, options: BeginOptions): Trajectory {
    const { processes, resume, provenance, storage = { kind: "difference" } } = options;
    if (!processes.leads) return Trajectory.follow(folder, teacher);
    if (resume) return Trajectory.resume(folder, teacher);
    return Trajectory.create(folder, teacher, provenance, storage);
  }

  /** The nodes, from `D'_1` next to the teacher (index 0 here) to the most degraded one. */
  get nodes(): readonly TrajectoryNode[] {
    return this.manifest.nodes;
  }

  get provenance(): Readonly<Record<string, unknown>> {
    return this.manifest.provenance;
  }

  get storage(): Readonly<NodeStorage> {
    return this.manifest.storage;
  }

  /** A frozen model that nodes can be loaded into: adapters on the teacher if nodes are that, else a copy of it. */
  blankNode<M extends Module>(teacher: M): M {
    const { rank, layers } = this.storage;
    const node = rank === undefined ? teacher.clone() : adaptersOn(teacher, { rank, layers }, 0);
    return node.eval().requiresGrad_(false);
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
    // In the schema's order, so that a resumed recording writes the same manifest.
    const node = { ...facts, file, ...hashFile(path) };
    this.manifest.nodes.push(nodeSchema.parse(node));
    this.write();
  }

  /** Drops every second node, starting next to the teacher. Its distance is added to that of the node after it. */
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

  /** Goes back to the nodes at an earlier step. A resumed recording makes the later ones again. */
  restore(nodes: unknown): void {
    const parsed = z.array(nodeSchema).safeParse(nodes);
    if (!parsed.success) throw new DisbackError(`${this.folder}: the checkpoint does not list the nodes`);
    this.manifest.nodes = parsed.data;
    this.write();
  }

  /**
   * Deletes the files of dropped nodes. Call it only after the recording has ended: a checkpoint may need them before.
   */
  prune(): void {
    if (this.follows) return;
    const wanted = new Set(this.nodes.map((node) => node.file));
    for (const file of readdirSync(this.folder)) {
      if (nodeFile.test(file) && !wanted.has(file)) rmSync(join(this.folder, file), { force: true });
    }
  }

  /**
   * Copies a node's weights into a model of the teacher's architecture, or one from `blankNode`. Checks the file's checksum and every key. Nodes
   * stored as differences need the teacher: call `requireTeacher` first. @param index 1 to N, the node's position on
   * the path
   * @throws DisbackError naming the file, and the key if one key is wrong
   */
  loadInto(model: Module, index: number): void {
    const node = this.nodes[index - 1];
    if (!node)
      throw new DisbackError(`${this.folder}: there is no node ${index}, only 1 to ${this.nodes.length}`);
    if (needsTeacher(this.storage) && !this.teacher)
      throw new DisbackError(
        `${this.folder}: nodes are differences to the teacher, which has not been given yet`,
      );
    const path = join(this.folder, node.file);
    noGrad(() =>
      scope(() => {
        try {
          const { tensors } = readSafetensors(path);
          if (node.sha256 !== undefined && hashFile(path).sha256 !== node.sha256)
            throw new DisbackError(
              `${path}: damaged or altered: its checksum is not the one in the manifest`,
            );
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
      throw new DisbackError(
        `${this.folder}: this trajectory has no nodes, because its recording was not finished`,
      );
  }

  private write(): void {
    if (!this.follows) writeManifest(this.folder, this.manifest);
  }

  private connect(teacher: Module): void {
    if (fingerprint(teacher) !== this.manifest.teacher)
      throw new DisbackError(
        `${this.folder}: this trajectory was recorded from another teacher, or with another value of "unconditional" or "precision"`,
      );
    this.teacher = teacher;
  }
}

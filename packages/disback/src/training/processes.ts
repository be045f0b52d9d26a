import { createHash } from "node:crypto";
import { deserialize, serialize } from "node:v8";
import {
  Adam,
  type AdamOptions,
  type Device,
  fromTypedArray,
  Generator,
  GradientReducer,
  type ProcessGroup,
  ShardedAdam,
  scope,
  stack,
  Tensor,
  zeros,
} from "@disback/torch";
import { DisbackError } from "../errors.js";
import { hashTensor } from "./hashing.js";

export interface ProcessesOptions {
  /** whether Adam's moments are distributed over the processes, see `ShardedAdam`; default false */
  shardOptimizer?: boolean;
}

/**
 * The processes that train together, each on its share of every batch. The result is that of one process with the whole
 * batch. All of them take the same steps and decisions; only the first one writes files.
 */
export class Processes {
  /** @param group absent for a single process; then everything here is free */
  constructor(
    readonly group?: ProcessGroup,
    private readonly options: ProcessesOptions = {},
  ) {}

  get rank(): number {
    return this.group?.rank ?? 0;
  }

  get size(): number {
    return this.group?.size ?? 1;
  }

  /** Whether this is the process that writes files. */
  get leads(): boolean {
    return this.rank === 0;
  }

  /** This process's part of a batch. @throws DisbackError naming the option if the parts would not be equal */
  share(batchSize: number, option: string): number {
    if (batchSize % this.size === 0) return batchSize / this.size;
    throw new DisbackError(
      `${option} of ${batchSize} cannot be shared evenly by ${this.size} processes; choose a multiple of ${this.size}`,
    );
  }

  /** The stream that all processes draw the batches from. Each keeps its own rows. */
  random(seed: number, device: Device): Generator {
    return new Generator(seed, device, { share: { index: this.rank, count: this.size } });
  }

  /** Averages figures over the processes: means over the whole batch, equal in all processes. */
  average<Names extends string>(figures: Readonly<Record<Names, Tensor | number>>): Record<Names, number> {
    const names = Object.keys(figures) as Names[];
    const values = names.map((name) => figures[name]);
    const device = values.find((value) => value instanceof Tensor)?.device ?? "cpu";
    return scope(() => {
      // Gathered on their device, so that it is synchronised only once.
      const all = stack(
        values.map((value) => asTensor(value).detach().to({ device, dtype: "float64" })),
      ).cpu();
      this.group?.allReduce(all);
      const sums = all.data();
      return Object.fromEntries(
        names.map((name, index) => [name, Number(sums[index]) / this.size]),
      ) as Record<Names, number>;
    });
  }

  /** Sends a plain value from the first process to all. */
  agree<Value>(value: Value): Value {
    const { group } = this;
    if (!group) return value;
    return scope(() => {
      const bytes = this.leads ? new Uint8Array(serialize(value)) : undefined;
      const length = fromTypedArray(BigInt64Array.of(BigInt(bytes?.length ?? 0)), [1]);
      group.broadcast(length);
      const size = length.item();
      const message = bytes ? fromTypedArray(bytes, [size]) : zeros([size], { dtype: "uint8" });
      group.broadcast(message);
      return deserialize(Buffer.from(message.bytes())) as Value;
    });
  }

  /** The largest number over all processes. */
  largest(value: number): number {
    const { group } = this;
    if (!group) return value;
    return scope(() => {
      const all = asTensor(value).double();
      group.allReduce(all, "max");
      return all.item();
    });
  }

  /** Runs something in the first process only. The others wait, however long it takes, and get its result. */
  async first<Value>(work: () => Value | Promise<Value>): Promise<Value> {
    const { group } = this;
    return this.agree((group ? await group.turn(0, work) : await work()) as Value);
  }

  /** Makes the optimizer. */
  optimizer(parameters: Tensor[], options: AdamOptions): Adam | ShardedAdam {
    return this.group && this.options.shardOptimizer
      ? new ShardedAdam(this.group, parameters, options)
      : new Adam(parameters, options);
  }

  /** Averages the gradients of parameters while backward runs; absent for a single process. */
  reducer(parameters: readonly Tensor[]): GradientReducer | undefined {
    return this.group && new GradientReducer(this.group, parameters);
  }

  /** @throws DisbackError naming the network and the processes whose weights differ from those of the first */
  requireSameWeights(network: string, parameters: readonly Tensor[]): void {
    const { group } = this;
    if (!group) return;
    const others = scope(() => {
      const hash = createHash("sha256");
      for (const parameter of parameters) hashTensor(hash.update(`[${parameter.shape.join()}]`), parameter);
      const digests = group.allGather(fromTypedArray(new Uint8Array(hash.digest()), [32]));
      const [first, ...rest] = digests.map((digest) => Buffer.from(digest.bytes()).toString("hex"));
      return rest.flatMap((digest, index) => (digest === first ? [] : [index + 1]));
    });
    if (others.length === 0) return;
    throw new DisbackError(
      `${network}: its initial weights on rank ${others.join(", rank ")} differ from those on rank 0; all processes need the same files and settings`,
    );
  }
}

function asTensor(value: Tensor | number): Tensor {
  return value instanceof Tensor ? value : fromTypedArray(Float64Array.of(value), []);
}

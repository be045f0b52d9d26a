import { noGrad } from "./autograd.js";
import { type NativeReducer, native } from "./binding.js";
import { zeros } from "./creation.js";
import { wrapAll } from "./door.js";
import { TorchError } from "./errors.js";
import type { Tensor } from "./tensor.js";

export interface ProcessGroupOptions {
  /** this process's number, 0 to `size - 1` */
  rank: number;
  /** number of processes */
  size: number;
  /** host of rank 0 */
  address: string;
  /** port that rank 0 listens on */
  port: number;
  /** seconds after which a collective that a process does not come to fails; default 300 */
  timeoutSeconds?: number;
  /** default `"default"`; needed to tell several groups of one process apart */
  name?: string;
}

export type Reduction = "sum" | "min" | "max" | "product";

/** How long those who are still there have to answer once a collective has failed. */
const ROLL_CALL_SECONDS = 5;

/** A collective failed, because processes are gone or did not come to it in time. */
export class LostProcesses extends TorchError {
  override name = "LostProcesses";

  constructor(
    /** ranks that do not answer; empty if all do, and the connection between them is to blame */
    readonly ranks: readonly number[],
    size: number,
    cause: string,
  ) {
    const line = cause.split("\n")[0]!.slice(0, 300);
    super(
      ranks.length > 0
        ? `rank ${ranks.join(", rank ")} of ${size} processes is gone or hangs (${line})`
        : `the ${size} processes lost touch, though all still answer: a collective was cut off or some came too late (${line})`,
    );
  }
}

/**
 * Processes that train together, on libtorch's c10d with gloo (tensors on the CPU). Every process must call the same
 * collectives in the same order.
 */
export class ProcessGroup {
  private calls = 0;

  private constructor(
    readonly name: string,
    readonly rank: number,
    readonly size: number,
  ) {}

  /** Waits until all processes have joined. @throws TorchError if they have not after the timeout */
  static join(options: ProcessGroupOptions): ProcessGroup {
    const { rank, size, address, port, timeoutSeconds = 300, name = "default" } = options;
    native.joinGroup(name, rank, size, address, port, Math.round(timeoutSeconds * 1000));
    return new ProcessGroup(name, rank, size);
  }

  /**
   * Joins as the variables say that PyTorch's launchers set: `RANK`, `WORLD_SIZE`, `MASTER_ADDR`, `MASTER_PORT`.
   *
   * @returns `undefined` where there is no `WORLD_SIZE`
   * @throws TorchError naming the variable that is missing or wrong
   */
  static fromEnvironment(
    options: Pick<ProcessGroupOptions, "timeoutSeconds"> = {},
    environment: Record<string, string | undefined> = process.env,
  ): ProcessGroup | undefined {
    if (environment.WORLD_SIZE === undefined) return undefined;
    const count = (variable: string, from: number, to: number): number => {
      const text = environment[variable];
      const value = Number(text);
      if (!text || !Number.isInteger(value) || value < from || value > to)
        throw new TorchError(
          text === undefined
            ? `${variable} is not set, but WORLD_SIZE is: a launcher sets RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT`
            : `${variable} must be a whole number from ${from} to ${to}, not "${text}"`,
        );
      return value;
    };
    const size = count("WORLD_SIZE", 1, 1_000_000);
    const address = environment.MASTER_ADDR;
    if (!address) throw new TorchError("MASTER_ADDR is not set: the host of rank 0");
    const rank = count("RANK", 0, size - 1);
    return ProcessGroup.join({ ...options, rank, size, address, port: count("MASTER_PORT", 1, 65535) });
  }

  /** Reduces a tensor over all processes, in place. @throws LostProcesses if one is gone */
  allReduce(tensor: Tensor, reduction: Reduction = "sum"): void {
    this.together(() => noGrad(() => native.allReduce(this.name, tensor.handle, reduction)));
  }

  /** Gives all processes the tensor of one of them, in place. @throws LostProcesses if one is gone */
  broadcast(tensor: Tensor, source = 0): void {
    this.together(() => noGrad(() => native.broadcast(this.name, tensor.handle, source)));
  }

  /** @returns the tensors of all processes, all of the same shape. @throws LostProcesses if one is gone */
  allGather(tensor: Tensor): Tensor[] {
    return this.together(() => noGrad(() => wrapAll(native.allGather(this.name, tensor.handle))));
  }

  /** Waits until all processes are here. @throws LostProcesses if one is gone, or does not come in time */
  barrier(): void {
    const one = zeros([1]);
    this.allReduce(one);
    one.dispose();
  }

  /**
   * Runs what all processes do together. If it fails the roll is called, and the error names those who are missing.
   *
   * @throws LostProcesses
   */
  together<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      throw new LostProcesses(this.missing(), this.size, (error as Error).message);
    }
  }

  leave(): void {
    native.leaveGroup(this.name);
  }

  private missing(): number[] {
    try {
      return native.rollCall(this.name, String(++this.calls), 1000 * ROLL_CALL_SECONDS);
    } catch {
      // Rank 0 keeps the roll.
      return [0];
    }
  }
}

export interface GradientReducerOptions {
  /** gradients are sent in pieces of about this size; default 25 MiB */
  bucketBytes?: number;
}

/**
 * Averages the gradients of parameters over a group while backward still runs (libtorch's reducer, the one inside
 * DistributedDataParallel): a bucket is sent as soon as all its gradients are there. Every parameter must get a gradient
 * in every backward that is prepared for.
 */
export class GradientReducer {
  private readonly reducer: NativeReducer;

  /** @param parameters the same ones in the same order in all processes */
  constructor(
    group: ProcessGroup,
    parameters: readonly Tensor[],
    { bucketBytes = 25 * 2 ** 20 }: GradientReducerOptions = {},
  ) {
    this.reducer = native.createReducer(
      group.name,
      parameters.map((parameter) => parameter.handle),
      bucketBytes,
    );
  }

  /**
   * Called before a backward whose gradients are to be averaged; when it returns, they are. Without the call gradients
   * just add up, as for accumulation over several batches.
   */
  prepare(): void {
    native.prepareReducer(this.reducer);
  }
}

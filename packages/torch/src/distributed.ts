import { backward, noGrad } from "./autograd.js";
import { type NativeReducer, native } from "./binding.js";
import { zeros } from "./creation.js";
import { wrapAll } from "./door.js";
import type { Device } from "./dtype.js";
import { TorchError } from "./errors.js";
import { borrowGradients, gradientsOf } from "./optim/gradients.js";
import { whyNoCuda } from "./runtime.js";
import type { Tensor } from "./tensor.js";
import { TensorHandles } from "./tensor-handles.js";

export interface ProcessGroupOptions {
  /** this process's number, 0 to `size - 1` */
  rank: number;
  /** number of processes */
  size: number;
  /** host of rank 0 */
  address: string;
  /** port that rank 0 listens on */
  port: number;
  /**
   * this process's GPU, if the group also works on GPU tensors; a different GPU in each process; default `"cpu"`: none
   */
  device?: Device;
  /** seconds after which a process that does not join a collective counts as missing; default 300 */
  timeoutSeconds?: number;
  /** default `"default"`; distinguishes several groups of one process */
  name?: string;
}

export type Reduction = "sum" | "min" | "max" | "product";

/** How long a process may show no sign of life after a collective has failed. */
const ROLL_CALL_SECONDS = 5;

/** Words of connection errors, as opposed to errors in the call. */
const CONNECTION = /gloo|nccl|socket|connection|store|timed out/i;

/** A collective failed, because processes are gone or did not join in time. */
export class LostProcesses extends TorchError {
  override name = "LostProcesses";

  constructor(
    /** ranks that are gone or do not answer; empty if all answer: then a connection was cut, or some were late */
    readonly ranks: readonly number[],
    size: number,
    cause: string,
  ) {
    const line = cause.split("\n")[0]!.slice(0, 300);
    super(
      ranks.length > 0
        ? `rank ${ranks.join(", rank ")} of ${size} processes is gone or hangs (${line})`
        : `the ${size} processes lost touch, though all are alive: a collective was cut off or some came too late (${line})`,
    );
  }
}

/** Why processes cannot train together on GPUs, or undefined if they can. */
export function whyNoNccl(): string | undefined {
  return whyNoCuda() ?? (native.ncclAbsence() || undefined);
}

/**
 * The GPU of a group on a device. GPU tensors use NCCL, CPU tensors always gloo.
 *
 * @param absence why there is no NCCL; called only if needed
 * @returns `undefined` for the CPU @throws TorchError if there is no NCCL, or the device is not supported
 */
export function gpuOf(device: Device, absence: () => string | undefined): Device | undefined {
  if (device === "cpu") return undefined;
  const problem = /^cuda(:\d+)?$/.test(device)
    ? absence()
    : "groups have tensors on the CPU and on NVIDIA's GPUs";
  if (problem === undefined) return device;
  throw new TorchError(`${device} in several processes: ${problem}`);
}

/**
 * Processes that train together, on libtorch's c10d, with gloo for CPU tensors and NCCL for GPU tensors. Every process
 * must call the same collectives in the same order.
 */
export class ProcessGroup {
  private turns = 0;

  private constructor(
    readonly name: string,
    readonly rank: number,
    readonly size: number,
    private readonly timeoutSeconds: number,
  ) {}

  /**
   * Waits until all processes have joined.
   *
   * @throws TorchError after the timeout, or if there is no NCCL for the GPU; LostProcesses if one is gone before the
   *   GPUs are connected
   */
  static join(options: ProcessGroupOptions): ProcessGroup {
    const { rank, size, address, port, device = "cpu", timeoutSeconds = 300, name = "default" } = options;
    const gpu = gpuOf(device, whyNoNccl);
    const group = new ProcessGroup(name, rank, size, timeoutSeconds);
    native.joinGroup(name, rank, size, address, port, group.patience);
    if (gpu) group.together(() => native.addGpu(name, gpu));
    return group;
  }

  /**
   * Joins with the variables of PyTorch's launchers: `RANK`, `WORLD_SIZE`, `MASTER_ADDR`, `MASTER_PORT`.
   *
   * @returns `undefined` without `WORLD_SIZE`
   * @throws TorchError naming a missing or wrong variable
   */
  static fromEnvironment(
    options: Pick<ProcessGroupOptions, "timeoutSeconds" | "device"> = {},
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
    if (!address) throw new TorchError("MASTER_ADDR (the host of rank 0) is not set");
    const rank = count("RANK", 0, size - 1);
    return ProcessGroup.join({ ...options, rank, size, address, port: count("MASTER_PORT", 1, 65535) });
  }

  /** Reduces a tensor over all processes, in place. @throws LostProcesses if one is gone */
  allReduce(tensor: Tensor, reduction: Reduction = "sum"): void {
    this.together(() => noGrad(() => native.allReduce(this.name, tensor.handle, reduction)));
  }

  /** Sends the tensor of one process to all, in place. @throws LostProcesses if one is gone */
  broadcast(tensor: Tensor, source = 0): void {
    this.together(() => noGrad(() => native.broadcast(this.name, tensor.handle, source)));
  }

  /** @returns the tensors of all processes, all of the same shape. @throws LostProcesses if one is gone */
  allGather(tensor: Tensor): Tensor[] {
    return this.together(() => noGrad(() => wrapAll(native.allGather(this.name, tensor.handle))));
  }

  /** Waits for all processes. @throws LostProcesses if one is gone, or late */
  barrier(): void {
    const one = zeros([1]);
    this.allReduce(one);
    one.dispose();
  }

  /**
   * Runs collective work. If the connection fails, a roll call finds the missing processes for the error.
   *
   * @throws LostProcesses, or other errors of `work`
   */
  together<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      const { message } = error as Error;
      if (!CONNECTION.test(message)) throw error;
      throw new LostProcesses(this.missing(), this.size, message);
    }
  }

  /**
   * Lets one process work alone, without a time limit, while the others wait. They give up only if its process dies or
   * its host is out of reach.
   *
   * @throws LostProcesses
   */
  async turn<Result>(of: number, work: () => Result | Promise<Result>): Promise<Result | undefined> {
    const turn = String(++this.turns);
    if (this.rank !== of) {
      this.together(() => native.awaitTurn(this.name, turn, of, this.patience));
      return undefined;
    }
    const result = await work();
    this.together(() => native.finishTurn(this.name, turn));
    return result;
  }

  leave(): void {
    native.leaveGroup(this.name);
  }

  /** The part of the timeout for the roll call, in ms. */
  private get rollCallTime(): number {
    return Math.round(1000 * Math.min(ROLL_CALL_SECONDS, this.timeoutSeconds / 4));
  }

  /** How long a collective may take, in ms. */
  private get patience(): number {
    return Math.round(1000 * this.timeoutSeconds) - this.rollCallTime;
  }

  private missing(): number[] {
    try {
      return native.rollCall(this.name, this.rollCallTime);
    } catch {
      // Rank 0 keeps the roll.
      return [0];
    }
  }
}

export interface GradientReducerOptions {
  /** size of the pieces in which gradients are sent, about; default 25 MiB */
  bucketBytes?: number;
}

/**
 * Averages the gradients of parameters over a group while backward still runs, with libtorch's reducer (as in
 * DistributedDataParallel): a bucket is sent as soon as all its gradients are ready. The first backward shows which
 * parameters get gradients, and is averaged at its end. Later ones must give gradients to the same parameters.
 */
export class GradientReducer {
  private readonly bucketBytes: number;
  private reducer: NativeReducer | undefined;
  /** parameters with and without gradients; known after the first backward, like the reducer */
  private known: { used: TensorHandles; unused: TensorHandles } | undefined;

  /** @param parameters the same ones in the same order in all processes */
  constructor(
    private readonly group: ProcessGroup,
    private readonly parameters: readonly Tensor[],
    { bucketBytes = 25 * 2 ** 20 }: GradientReducerOptions = {},
  ) {
    this.bucketBytes = bucketBytes;
  }

  /**
   * A backward pass after which gradients are averages over the group, including gradients accumulated before. Passes
   * that only accumulate are plain ones.
   *
   * @param tensors @param gradients as in the function `backward`
   * @throws LostProcesses; TorchError if other parameters get gradients than in the first pass
   */
  backward(tensors: readonly Tensor[], gradients?: readonly (Tensor | null)[]): void {
    if (!this.known) {
      backward(tensors, gradients);
      this.begin();
      return;
    }
    const { used, unused } = this.known;
    this.group.together(() => {
      if (this.reducer) native.prepareReducer(this.reducer);
      backward(tensors, gradients);
      native.finishCollectives(this.group.name, this.parameters[0]!.handle);
    });
    // Libtorch notices a missing gradient only in the next pass, and does not average its bucket.
    if (borrowGradients(used.current(), (found) => found.includes(0)))
      throw new TorchError("a parameter got no gradient, though it had one in the first pass");
    if (borrowGradients(unused.current(), (found) => found.some((handle) => handle !== 0)))
      throw new TorchError("a parameter got a gradient, though it had none in the first pass");
  }

  /** Averages the gradients of the first backward, and prepares averaging during the next ones. */
  private begin(): void {
    const used: Tensor[] = [];
    const unused: Tensor[] = [];
    noGrad(() => {
      for (const [index, gradient] of gradientsOf(this.parameters).entries()) {
        if (gradient) this.group.allReduce(gradient.div_(this.group.size));
        gradient?.dispose();
        (gradient ? used : unused).push(this.parameters[index]!);
      }
    });
    this.known = { used: new TensorHandles(used), unused: new TensorHandles(unused) };
    if (used.length === 0) return;
    const handles = used.map((parameter) => parameter.handle);
    this.reducer = native.createReducer(this.group.name, handles, this.bucketBytes);
  }
}

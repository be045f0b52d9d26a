import { noGrad } from "../autograd.js";
import { native } from "../binding.js";
import { cat, emptyLike, full } from "../creation.js";
import type { ProcessGroup } from "../distributed.js";
import { CheckpointError } from "../errors.js";
import { keep, scope } from "../scope.js";
import { type State, stateNumber } from "../state.js";
import type { Tensor } from "../tensor.js";
import { TensorHandles } from "../tensor-handles.js";
import { Adam, type AdamOptions, type MomentKind, momentKinds, neededMoments } from "./adam.js";
import type { Optimizer } from "./optimizer.js";

/** Approximate size of the pieces in which parameters are sent. */
const PIECE_BYTES = 25 * 2 ** 20;

/**
 * Adam whose moments are distributed over the processes of a group (ZeRO, Rajbhandari et al. 2020, stage 1). Each
 * process keeps the moments of its part of the parameters, updates that part, and sends the new weights to the others.
 * The weights are Adam's, bit for bit. Each process needs only its share of the moments' memory, which is twice that of
 * the weights (once with beta1 = 0).
 */
export class ShardedAdam implements Optimizer {
  private rate: number;
  /** the parameters of each process, by index */
  private readonly parts: number[][];
  private readonly own: Adam | undefined;
  private readonly kinds: readonly MomentKind[];
  private readonly handles: TensorHandles;

  /** @param parameters the same ones in the same order in all processes, with the same averaged gradients at each step */
  constructor(
    private readonly group: ProcessGroup,
    readonly parameters: Tensor[],
    options: AdamOptions = {},
  ) {
    this.parts = evenParts(
      parameters.map((parameter) => parameter.numel),
      group.size,
    );
    const mine = this.parts[group.rank]!.map((index) => parameters[index]!);
    this.own = mine.length > 0 ? new Adam(mine, options) : undefined;
    this.kinds = momentKinds(options);
    this.rate = options.lr ?? 1e-3;
    this.handles = new TensorHandles(parameters);
  }

  /** Learning rate of the next step. */
  get lr(): number {
    return this.rate;
  }

  set lr(value: number) {
    this.rate = value;
    if (this.own) this.own.lr = value;
  }

  /** Updates this process's part of the parameters, then exchanges all parts. @throws LostProcesses */
  step(): void {
    this.own?.step();
    noGrad(() => {
      for (const [owner, part] of this.parts.entries()) {
        for (const piece of this.piecesOf(part)) scope(() => this.send(piece, owner));
      }
    });
  }

  /** Clears the gradients. */
  zeroGrad(): void {
    native.zeroGrads(this.handles.current());
  }

  /**
   * Adam's whole state in process 0, on the CPU. The others must call it too, and get their own part.
   * @throws LostProcesses
   */
  state(): State {
    const { rank } = this.group;
    const tensors = new Map<string, Tensor>();
    const own = this.own?.state().tensors;
    noGrad(() => {
      for (const [owner, part] of this.parts.entries()) {
        for (const [position, index] of part.entries()) {
          for (const kind of this.kinds) {
            const mine = owner === rank ? own!.get(`${position}.${kind}`)! : undefined;
            const held = mine ?? scope(() => this.received(index, kind, owner));
            if (owner !== 0 && mine) this.group.broadcast(mine, owner);
            if (held) tensors.set(`${index}.${kind}`, held);
          }
        }
      }
    });
    const order = [...tensors].sort(([a], [b]) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
    return { tensors: new Map(order), values: { lr: this.rate } };
  }

  /**
   * @param state a whole state, from any number of processes or from Adam.
   * @throws CheckpointError if it belongs to other parameters
   */
  loadState(state: State): void {
    const given = neededMoments(state, this.kinds);
    if (given.size !== this.kinds.length * this.parameters.length)
      throw new CheckpointError(
        `optimizer: ${given.size} tensors for ${this.parameters.length} parameters, not ${this.kinds.length} for each`,
      );
    const tensors = new Map<string, Tensor>();
    for (const [position, index] of this.parts[this.group.rank]!.entries()) {
      for (const kind of this.kinds) {
        const tensor = given.get(`${index}.${kind}`);
        if (tensor) tensors.set(`${position}.${kind}`, tensor);
      }
    }
    this.own?.loadState({ tensors, values: state.values });
    this.lr = stateNumber(state, "lr");
  }

  /** Releases this process's moments now. */
  dispose(): void {
    this.own?.dispose();
  }

  /** Takes part in sending a tensor of the state to process 0, which keeps it. Process 0's own tensors are not sent. */
  private received(index: number, kind: MomentKind, owner: number): Tensor | undefined {
    if (owner === 0) return undefined;
    const parameter = this.parameters[index]!;
    const tensor = kind === "step" ? full([], 0, { device: parameter.device }) : emptyLike(parameter);
    this.group.broadcast(tensor, owner);
    return this.group.rank === 0 ? keep(tensor.cpu()) : undefined;
  }

  private piecesOf(part: readonly number[]): Tensor[][] {
    const pieces: Tensor[][] = [];
    let bytes = Number.POSITIVE_INFINITY;
    for (const index of part) {
      const parameter = this.parameters[index]!;
      const size = 4 * parameter.numel;
      if (bytes + size > PIECE_BYTES || parameter.dtype !== pieces.at(-1)![0]!.dtype) {
        pieces.push([]);
        bytes = 0;
      }
      pieces.at(-1)!.push(parameter);
      bytes += size;
    }
    return pieces;
  }

  private send(piece: Tensor[], owner: number): void {
    const flat = cat(piece.map((parameter) => parameter.detach().reshape([-1])));
    this.group.broadcast(flat, owner);
    if (this.group.rank === owner) return;
    let start = 0;
    for (const parameter of piece) {
      parameter.copy_(flat.narrow(0, start, parameter.numel).reshape(parameter.shape));
      start += parameter.numel;
    }
  }
}

/** Assigns parameters to processes: the largest first, each to the process with the least so far. */
function evenParts(sizes: readonly number[], count: number): number[][] {
  const parts = Array.from({ length: count }, () => ({ size: 0, members: [] as number[] }));
  const order = sizes.map((_, index) => index).sort((a, b) => sizes[b]! - sizes[a]! || a - b);
  for (const index of order) {
    const least = parts.reduce((smallest, part) => (part.size < smallest.size ? part : smallest));
    least.members.push(index);
    least.size += sizes[index]!;
  }
  return parts.map(({ members }) => members.sort((a, b) => a - b));
}

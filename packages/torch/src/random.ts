import { type NativeGenerator, native } from "./binding.js";
import { wrap } from "./door.js";
import { type Device, dtypeCode } from "./dtype.js";

/** A process's part of a batch: the `index`-th of `count` equal ones. */
export interface Share {
  index: number;
  count: number;
}

export interface GeneratorOptions {
  /**
   * Several processes with the same seed draw from one stream: `randn`, `rand` and `randint` of `[n, ...]` draw `n *
   * count` rows and keep the `index`-th `n` of them. Together they have what one process would draw for the whole
   * batch, and the stream has the same position everywhere. Tensors without dimensions are the same in all processes.
   */
  share?: Share;
  /** @internal */
  existing?: NativeGenerator;
}

/** A source of random numbers with its own state; on the CPU the same stream as `torch.Generator`. */
export class Generator {
  /** @internal */ readonly native: NativeGenerator;
  readonly device: Device;
  /** the part of every batch to keep here; default all of it */
  readonly share: Share;

  /**
   * @param seed whole number, 0 to 2^63 - 1
   * @param device device of the generator
   */
  constructor(
    seed: number | bigint = 0,
    device: Device = "cpu",
    { share = { index: 0, count: 1 }, existing }: GeneratorOptions = {},
  ) {
    this.device = device;
    this.share = share;
    this.native = existing ?? native.createGenerator(device, BigInt(seed));
  }

  /** The same stream, keeping another part of every batch. Drawing from one advances both. */
  sharing(share: Share): Generator {
    return new Generator(0, this.device, { share, existing: this.native });
  }

  manualSeed(seed: number | bigint): this {
    native.generatorSetSeed(this.native, BigInt(seed));
    return this;
  }

  /** The whole state; `setState` continues the stream exactly here. */
  getState(): Uint8Array {
    const state = wrap(native.generatorGetState(this.native));
    const bytes = state.bytes();
    state.dispose();
    return bytes;
  }

  setState(bytes: Uint8Array): void {
    const state = wrap(native.createFromBytes(bytes, dtypeCode("uint8"), [bytes.length]));
    native.generatorSetState(this.native, state.handle);
    state.dispose();
  }
}

/** The generator that operators without an explicit one use, such as dropout. */
export function defaultGenerator(device: Device = "cpu"): Generator {
  return new Generator(0, device, { existing: native.defaultGenerator(device) });
}

/** Seeds the default generator of a device. */
export function manualSeed(seed: number | bigint, device: Device = "cpu"): void {
  defaultGenerator(device).manualSeed(seed);
}

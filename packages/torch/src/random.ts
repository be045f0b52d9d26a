import { type NativeGenerator, native } from "./binding.js";
import { fromTypedArray } from "./creation.js";
import { wrap } from "./door.js";
import type { Device } from "./dtype.js";

/** A source of random numbers with a state of its own; on the CPU the same stream as `torch.Generator`. */
export class Generator {
  /** @internal */ readonly native: NativeGenerator;
  readonly device: Device;

  /**
   * @param seed whole number, 0 to 2^63 - 1
   * @param device where the numbers are drawn
   */
  constructor(seed: number | bigint = 0, device: Device = "cpu", existing?: NativeGenerator) {
    this.device = device;
    this.native = existing ?? native.createGenerator(device, BigInt(seed));
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
    const state = fromTypedArray(bytes, [bytes.length], { dtype: "uint8" });
    native.generatorSetState(this.native, state.handle);
    state.dispose();
  }
}

/** The generator that operators without an explicit one use, such as dropout. */
export function defaultGenerator(device: Device = "cpu"): Generator {
  return new Generator(0, device, native.defaultGenerator(device));
}

/** Seeds the default generator of a device. */
export function manualSeed(seed: number | bigint, device: Device = "cpu"): void {
  defaultGenerator(device).manualSeed(seed);
}

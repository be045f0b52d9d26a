import { type NativeScript, native } from "./binding.js";
import { wrap } from "./door.js";
import type { Device } from "./dtype.js";
import { CheckpointError } from "./errors.js";
import { Tensor } from "./tensor.js";

export type ScriptValue = Tensor | number | boolean | string | null;

/** A TorchScript module from a file. */
export class TorchScriptModule {
  readonly #native: NativeScript;

  constructor(script: NativeScript) {
    this.#native = script;
  }

  /** @returns a tensor, or an array if the module returns several */
  forward(values: readonly ScriptValue[], named: Record<string, ScriptValue> = {}): Tensor | Tensor[] {
    return this.run("forward", values, named);
  }

  run(
    method: string,
    values: readonly ScriptValue[],
    named: Record<string, ScriptValue> = {},
  ): Tensor | Tensor[] {
    const result = native.runScript(
      this.#native,
      method,
      values.map(plain),
      Object.keys(named),
      Object.values(named).map(plain),
    );
    return Array.isArray(result) ? result.map(wrap) : wrap(result as number);
  }
}

function plain(value: ScriptValue): unknown {
  return value instanceof Tensor ? { tensor: value.handle } : value;
}

/** @throws CheckpointError if the file is missing or not a TorchScript archive */
export function loadTorchScript(path: string, device: Device = "cpu"): TorchScriptModule {
  try {
    return new TorchScriptModule(native.loadScript(path, device));
  } catch (error) {
    throw new CheckpointError(`${path}: not a TorchScript file (${(error as Error).message.split("\n")[0]})`);
  }
}

import { readSafetensors, readSafetensorsHeader, type Tensor, TorchError } from "@disback/torch";
import { readHead } from "../../data/formats/bytes.js";
import { DisbackError } from "../../errors.js";
import { StoredNumbers, StoredTensor } from "../checkpoint/stored-tensor.js";
import type { StoredWeights } from "../stored-weights.js";

/** Whether a file starts like safetensors: the header's length, and a brace. */
export async function isSafetensors(path: string): Promise<boolean> {
  const head = Buffer.from(await readHead(path, 9).catch(() => new Uint8Array()));
  return head.length === 9 && head[8] === 0x7b && head.readBigUInt64LE() < 2n ** 32n;
}

/**
 * Opens a safetensors file. It is mapped into memory, so tensors are read on use. @throws DisbackError naming the file,
 * and the tensor if one tensor is wrong
 */
export function openSafetensors(path: string): StoredWeights {
  try {
    const { entries } = readSafetensorsHeader(path);
    const { tensors } = readSafetensors(path);
    return {
      format: "safetensors",
      tensors: new Map(entries.map(({ name, format }) => [name, stored(tensors.get(name)!, format.bytes)])),
      close: () => {
        for (const tensor of tensors.values()) tensor.dispose();
      },
    };
  } catch (error) {
    if (error instanceof TorchError) throw new DisbackError(error.message);
    throw error;
  }
}

function stored(tensor: Tensor, itemBytes: number): StoredTensor {
  const { dtype, numel, shape, strides } = tensor;
  const numbers = new StoredNumbers(dtype, itemBytes, numel, () => tensor.bytes());
  return new StoredTensor(numbers, 0, shape, strides, (problem) => {
    throw new DisbackError(problem);
  });
}

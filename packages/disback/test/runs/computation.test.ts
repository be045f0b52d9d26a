import { whyNoCuda } from "@disback/torch";
import { expect, it } from "vitest";
import { DisbackError } from "../../src/errors.js";
import { computationOf } from "../../src/runs/computation.js";

const plain = { device: "cpu", precision: "f32", tf32: false, activationCheckpointing: false } as const;

it("on the CPU layouts are as asked, else those in which this processor convolves fastest", () => {
  expect(computationOf(plain)).toEqual({
    precision: "f32",
    memoryFormat: process.arch === "x64" ? "channels-last" : "contiguous",
    activationCheckpointing: false,
  });
  expect(computationOf({ ...plain, precision: "bf16" }).memoryFormat).toBe("contiguous");
  const asked = { ...plain, precision: "bf16", memoryFormat: "channels-last" } as const;
  expect(computationOf(asked)).toMatchObject({ precision: "bf16", memoryFormat: "channels-last" });
});

it("TF32 without a GPU is refused", () => {
  expect(() => computationOf({ ...plain, tf32: true })).toThrow(
    new DisbackError('"tf32": only a GPU has it; the device is cpu'),
  );
});

it("graphs without a GPU are refused", () => {
  expect(() => computationOf({ ...plain, cudaGraphs: true })).toThrow(
    new DisbackError('"cudaGraphs": only a GPU has them; the device is cpu'),
  );
});

it("a GPU that is not there is refused by why, one that is works channels-last with its tensor cores", () => {
  const open = () => computationOf({ ...plain, device: "cuda", precision: "bf16" });
  const absence = whyNoCuda();
  if (absence) expect(open).toThrow(new DisbackError(`"device": no cuda: ${absence}`));
  else expect(open().memoryFormat).toBe("channels-last");
});

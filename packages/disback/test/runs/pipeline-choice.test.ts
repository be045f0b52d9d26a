import { resolve } from "node:path";
import { expect, it } from "vitest";
import { pipelineChoiceOf } from "../../src/runs/pipeline-choice.js";
import { openDrawer } from "../../src/runs/sample-drawer.js";
import { withAbsolutePaths } from "../../src/runs/settings/paths.js";
import { pipelinePath } from "../pipelines/fixtures.js";

const kohya = pipelinePath("loras/sd-kohya.safetensors");

it("a LoRA is a file, or a file and its weight", () => {
  expect(pipelineChoiceOf({ lora: [kohya, `${kohya}:-0.5`] })).toEqual({
    loras: [
      { path: kohya, weight: 1 },
      { path: kohya, weight: -0.5 },
    ],
  });
  expect(pipelineChoiceOf({})).toEqual({});
});

it.each([
  ["none.safetensors", "--lora none.safetensors: no such file"],
  ["none.safetensors:2", "--lora none.safetensors:2: none.safetensors: no such file"],
  [`${kohya}:strong`, "sd-kohya.safetensors:strong: the weight behind the colon must be a number"],
  [`${kohya}:`, "the weight behind the colon must be a number"],
])("%s is refused", (lora, problem) => {
  expect(() => pipelineChoiceOf({ lora: [lora] })).toThrow(problem);
});

it("a run's settings keep absolute paths", () => {
  expect(withAbsolutePaths({ lora: ["a.safetensors:0.5", "b.safetensors"] })).toEqual({
    lora: [`${resolve("a.safetensors")}:0.5`, resolve("b.safetensors")],
  });
});

it("weights add up in what is drawn", async () => {
  const drawn = async (...lora: string[]) => {
    const drawer = await openDrawer(pipelinePath("sd"), {
      ...{ seed: 0, device: "cpu", sampler: "euler", sigmaMin: 0.1, sigmaMax: 10, rho: 7, steps: 1 },
      ...{ prompts: ["a cat"], pipeline: pipelineChoiceOf({ lora }) },
    });
    return drawer.draw(1).samples;
  };
  const [plain, half, whole] = [await drawn(), await drawn(`${kohya}:0.5`), await drawn(kohya)];
  const twice = await drawn(`${kohya}:0.5`, `${kohya}:0.5`);
  const apart = (a: typeof plain, b: typeof plain) => a.sub(b).abs().max().item();
  expect(apart(whole, plain)).toBeGreaterThan(1e-3);
  expect(apart(whole, half)).toBeGreaterThan(1e-3);
  expect(apart(whole, twice)).toBeLessThan(1e-5);
});

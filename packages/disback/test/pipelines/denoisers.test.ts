import { full, noGrad, readSafetensors, type Tensor } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { pipelineDenoiser } from "../../src/import/pipeline/pipeline-denoiser.js";
import { openTextToImagePipeline } from "../../src/import/pipeline/text-to-image-pipeline.js";
import type { Condition } from "../../src/models/condition.js";
import { relativeError } from "../models/fixtures.js";
import { pipelinePath } from "./fixtures.js";

const { tensors } = readSafetensors(pipelinePath("estimates.safetensors"));

/** Parts of the condition as they are in the file. */
function conditionOf(name: string): Condition {
  const parts = ["text", "pooled", "sizes", "guidance"].flatMap((part) => {
    const value = tensors.get(`${name}/${part}`);
    return value ? [[part, value] as const] : [];
  });
  return Object.fromEntries(parts);
}

describe("pipelines as denoisers", () => {
  it.each([
    ["sd", { textLength: 20 }],
    ["sdxl", { textLength: 20 }],
    ["sd3", { textLength: 50 }],
    ["flux", { size: [6, 8] as const, textLength: 30 }],
  ])("%s: the estimate of the clean latents is that of diffusers' scheduler", async (name, options) => {
    const pipeline = await openTextToImagePipeline(pipelinePath(name));
    pipeline.network.module.to({ dtype: "float32" });
    const denoiser = pipelineDenoiser(pipeline, options);
    const [x, sigma, estimate] = ["x", "sigma", "estimate"].map((key) => tensors.get(`${name}/${key}`)!) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const given = noGrad(() => denoiser.denoise(x, sigma, conditionOf(name)));
    expect(relativeError(given, estimate)).toBeLessThan(2e-5);
    expect([...denoiser.stateDict().keys()].every((key) => key.startsWith("model."))).toBe(true);
    expect(denoiser.stateDict().size).toBe(pipeline.network.module.stateDict().size);
    const copy = denoiser.clone();
    expect(
      relativeError(
        noGrad(() => copy.denoise(x, sigma, conditionOf(name))),
        given,
      ),
    ).toBe(0);
    const seen = noGrad(() => denoiser.features(x, sigma, conditionOf(name)));
    expect(seen.shape[0]).toBe(2);
  });

  it("says what of the condition is missing or does not fit", async () => {
    const denoiser = pipelineDenoiser(await openTextToImagePipeline(pipelinePath("sd3")), { textLength: 50 });
    const x = tensors.get("sd3/x")!;
    const { text, pooled } = conditionOf("sd3") as { text: Tensor; pooled: Tensor };
    const run = (condition?: Condition) => noGrad(() => denoiser.denoise(x, full([1], 1), condition));
    expect(() => run()).toThrow('condition: "text" is missing');
    expect(() => run({ text })).toThrow('condition: "pooled" is missing');
    expect(() => run({ text, pooled, class: pooled })).toThrow(
      'told text [50, 16], pooled [12], not "class"',
    );
    expect(() => run({ text: pooled, pooled })).toThrow("expected text [2, 50, 16], got [2, 12]");
    expect(run({ text: text.narrow(0, 0, 1), pooled: pooled.narrow(0, 0, 1) }).shape).toEqual(x.shape);
  });

  it("needs a size where the configuration says none", async () => {
    const pipeline = await openTextToImagePipeline(pipelinePath("flux"));
    expect(() => pipelineDenoiser(pipeline)).toThrow("does not say the height and width");
  });
});

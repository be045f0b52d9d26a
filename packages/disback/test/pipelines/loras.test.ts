import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { full, noGrad, readSafetensors, type Tensor, tensor, writeSafetensors } from "@disback/torch";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openTextToImagePipeline } from "../../src/import/pipeline/text-to-image-pipeline.js";
import { relativeError } from "../models/fixtures.js";
import { pipelinePath, prompts, reference } from "./fixtures.js";

const value = reference("loras");
const steps = tensor([300, 800]);
const choice = (name: string) => ({ path: pipelinePath(`loras/${name}.safetensors`), weight: 0.7 });

describe("LoRAs of others beside diffusers' load_lora_weights and fuse_lora", () => {
  it.each([[["sd-peft"]], [["sd-kohya"]], [["sd-peft", "sd-kohya"]]])("%j", async (names) => {
    const pipeline = await openTextToImagePipeline(pipelinePath("sd"), { loras: names.map(choice) });
    const { condition } = (await pipeline.openPrompts()).encode(prompts);
    const { network } = pipeline;
    if (network.kind !== "unet-2d-condition") throw new Error(network.kind);
    const output = noGrad(() => network.module.forward(reference("sd")("latents"), steps, condition));
    expect(relativeError(condition.text, value(`${names.join("+")}/text`))).toBeLessThan(1e-5);
    expect(relativeError(output, value(`${names.join("+")}/output`))).toBeLessThan(1e-5);
    expect(relativeError(output, reference("sd")("output"))).toBeGreaterThan(1e-2);
  });

  it("sdxl-kohya: names of the original layout, two text encoders, half precision", async () => {
    const pipeline = await openTextToImagePipeline(pipelinePath("sdxl"), { loras: [choice("sdxl-kohya")] });
    const { network } = pipeline;
    expect(network.module.dtype).toBe("float16");
    network.module.to({ dtype: "float32" });
    const { condition } = (await pipeline.openPrompts()).encode(prompts);
    if (network.kind !== "unet-2d-condition") throw new Error(network.kind);
    const sizes = reference("sdxl")("sizes");
    const told = { text: value("sdxl-kohya/text"), pooled: value("sdxl-kohya/pooled"), sizes };
    const output = noGrad(() => network.module.forward(reference("sdxl")("latents"), steps, told));
    expect(relativeError(condition.text, value("sdxl-kohya/text"))).toBeLessThan(5e-3);
    expect(relativeError(condition.pooled!, value("sdxl-kohya/pooled"))).toBeLessThan(5e-3);
    expect(relativeError(output, value("sdxl-kohya/output"))).toBeLessThan(2e-3);
  });

  it("sd3-peft: a transformer", async () => {
    const pipeline = await openTextToImagePipeline(pipelinePath("sd3"), { loras: [choice("sd3-peft")] });
    const { network } = pipeline;
    const told = reference("sd3");
    if (network.kind !== "sd3") throw new Error(network.kind);
    const condition = { text: told("text"), pooled: told("pooled") };
    const output = noGrad(() => network.module.forward(told("latents"), tensor([0.3, 0.8]), condition));
    expect(relativeError(output, value("sd3-peft/output"))).toBeLessThan(1e-5);
  });
});

describe("files that are refused", () => {
  let place: string;
  beforeAll(() => {
    place = mkdtempSync(join(tmpdir(), "disback-lora-"));
  });
  afterAll(() => rmSync(place, { recursive: true }));
  const down = "unet.mid_block.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight";
  const up = down.replace("lora_A", "lora_B");

  it.each<[string, Record<string, number[]>, string]>([
    [
      "a LoHa",
      { "lora_unet_x.hada_w1_a": [2, 2] },
      "lora_unet_x.hada_w1_a: LoHa is not supported, only LoRA",
    ],
    ["a DoRA", { "lora_unet_x.dora_scale": [2] }, "DoRA is not supported"],
    ["a half", { [down]: [2, 8] }, `${up} is missing`],
    ["ranks that differ", { [down]: [2, 8], [up]: [8, 3] }, "has rank 2"],
    [
      "no part",
      { "control.x.lora_A.weight": [2, 8], "control.x.lora_B.weight": [8, 2] },
      "for no part that is known",
    ],
    ["something else", { [down]: [2, 8], [up]: [8, 2], extra: [1] }, "extra is no part of a LoRA"],
    ["nothing", {}, "no LoRA: it has no tensors"],
    [
      "a part that is not there",
      { "text_encoder_2.x.lora_A.weight": [2, 8], "text_encoder_2.x.lora_B.weight": [8, 2] },
      "text_encoder_2.x.lora_A.weight: there is no text_encoder_2 here: the LoRA belongs to another base",
    ],
    [
      "a layer that is not there",
      { [down.replace("mid_block", "mid_blocks")]: [2, 8], [up.replace("mid_block", "mid_blocks")]: [8, 2] },
      "there is no such layer: the LoRA belongs to another base model",
    ],
    [
      "a layer of another size",
      { [down]: [2, 12], [up]: [8, 2] },
      "is for a layer of [8, 12], here it is [8, 8]: a LoRA for another base",
    ],
  ])("%s", async (name, shapes, problem) => {
    const path = join(place, `${name}.safetensors`);
    const tensors = Object.entries(shapes).map(([key, shape]): [string, Tensor] => [key, full(shape, 1)]);
    writeSafetensors(path, new Map(tensors));
    await expect(openTextToImagePipeline(pipelinePath("sd"), { loras: [{ path }] })).rejects.toThrow(problem);
  });

  it("leaves the file of the base as it is", async () => {
    const path = pipelinePath("sd3/transformer/diffusion_pytorch_model.safetensors");
    const key = "transformer_blocks.0.attn.to_q.weight";
    const before = readSafetensors(path).tensors.get(key)!.clone();
    await openTextToImagePipeline(pipelinePath("sd3"), { loras: [choice("sd3-peft")] });
    expect(relativeError(readSafetensors(path).tensors.get(key)!, before)).toBe(0);
  });
});

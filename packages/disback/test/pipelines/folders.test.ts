import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { noGrad, tensor } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { openTextToImagePipeline } from "../../src/import/pipeline/text-to-image-pipeline.js";
import { sdxlSizes } from "../../src/text/prompts/stable-diffusion-xl.js";
import { relativeError } from "../models/fixtures.js";
import { copyOf, pipelinePath, prompts, reference } from "./fixtures.js";

describe("folders of diffusers", () => {
  it("Stable Diffusion 2: .bin files, keys of 2023, vocab.json and merges.txt", async () => {
    const value = reference("sd");
    const pipeline = await openTextToImagePipeline(pipelinePath("sd"));
    const { network, autoencoder, schedule } = pipeline;
    expect(pipeline.className).toBe("StableDiffusionPipeline");
    expect(network.sampleShape).toEqual([4, 8, 8]);
    expect(schedule).toMatchObject({ preconditioning: "discrete", prediction: "v", betaStart: 0.00085 });
    expect(pipeline.unused).toEqual(['"requires_safety_checker": false']);

    const encoder = await pipeline.openPrompts();
    const { condition, cut } = encoder.encode(prompts);
    expect(cut).toEqual([1]);
    expect(relativeError(condition.text, value("text"))).toBeLessThan(1e-5);
    expect(relativeError(encoder.none(2).text, value("none"))).toBeLessThan(1e-5);
    if (network.kind !== "unet-2d-condition") throw new Error(network.kind);
    const output = noGrad(() =>
      network.module.forward(value("latents"), tensor([300, 800]), { text: condition.text }),
    );
    expect(relativeError(output, value("output"))).toBeLessThan(1e-5);
    expect(relativeError(autoencoder.decode(value("latents")), value("decoded"))).toBeLessThan(1e-5);
  });

  it("SDXL: a variant in half precision, which it stays in", async () => {
    const value = reference("sdxl");
    const pipeline = await openTextToImagePipeline(pipelinePath("sdxl"), { variant: "fp16" });
    const { network, autoencoder } = pipeline;
    expect(network.module.dtype).toBe("float16");
    expect(pipeline.unused).toEqual([]);

    const encoder = await pipeline.openPrompts();
    const { condition, cut } = encoder.encode(prompts);
    expect(cut).toEqual([1]);
    expect(condition.text.dtype).toBe("float16");
    expect(relativeError(condition.text, value("text"))).toBeLessThan(5e-3);
    expect(relativeError(condition.pooled!, value("pooled"))).toBeLessThan(5e-3);
    expect(relativeError(encoder.none(2).text, value("none"))).toBe(0);
    expect(relativeError(encoder.none(2).pooled!, value("none_pooled"))).toBe(0);
    expect(relativeError(sdxlSizes(2, 16, 24), value("sizes"))).toBe(0);

    if (network.kind !== "unet-2d-condition") throw new Error(network.kind);
    network.module.to({ dtype: "float32" });
    const told = { text: value("text"), pooled: value("pooled"), sizes: value("sizes") };
    const output = noGrad(() => network.module.forward(value("latents"), tensor([300, 800]), told));
    expect(relativeError(output, value("output"))).toBeLessThan(1e-5);
    expect(relativeError(autoencoder.decode(value("latents")), value("decoded"))).toBeLessThan(1e-5);
  });

  it("Stable Diffusion 3.5: three encoders, shifted latents", async () => {
    const value = reference("sd3");
    const pipeline = await openTextToImagePipeline(pipelinePath("sd3"));
    const { network, autoencoder, schedule } = pipeline;
    expect(schedule).toEqual({ preconditioning: "flow-matching", shift: 3, dynamicShift: null });

    const encoder = await pipeline.openPrompts({ longPrompt: 30 });
    const { condition } = encoder.encode(prompts);
    const none = encoder.none(2);
    expect(relativeError(condition.text, value("text"))).toBeLessThan(1e-5);
    expect(relativeError(condition.pooled!, value("pooled"))).toBeLessThan(1e-5);
    expect(relativeError(none.text, value("none"))).toBeLessThan(1e-5);
    expect(relativeError(none.pooled!, value("none_pooled"))).toBeLessThan(1e-5);
    if (network.kind !== "sd3") throw new Error(network.kind);
    const output = noGrad(() => network.module.forward(value("latents"), tensor([0.3, 0.8]), condition));
    expect(relativeError(output, value("output"))).toBeLessThan(1e-5);
    expect(relativeError(autoencoder.decode(value("latents")), value("decoded"))).toBeLessThan(1e-5);
  });

  it("Flux: shards, TAESD, a shift that grows with the picture", async () => {
    const value = reference("flux");
    const pipeline = await openTextToImagePipeline(pipelinePath("flux"));
    const { network, autoencoder, schedule } = pipeline;
    expect(schedule).toMatchObject({ shift: 3, dynamicShift: { base: 0.5, max: 1.15 } });
    expect(network.sampleShape).toEqual([4, null, null]);

    const { condition } = (await pipeline.openPrompts({ longPrompt: 30 })).encode(prompts);
    expect(relativeError(condition.text, value("text"))).toBeLessThan(1e-5);
    expect(relativeError(condition.pooled!, value("pooled"))).toBeLessThan(1e-5);
    if (network.kind !== "flux") throw new Error(network.kind);
    const told = { ...condition, guidance: value("guidance") };
    const output = noGrad(() => network.module.forward(value("latents"), tensor([0.3, 0.8]), told));
    expect(relativeError(output, value("output"))).toBeLessThan(1e-5);
    expect(relativeError(autoencoder.decode(value("latents")), value("decoded"))).toBeLessThan(1e-5);
  });

  it("Wan: clips, UMT5 behind whose prompts are zeros, UniPC's schedule", async () => {
    const value = reference("wan");
    const pipeline = await openTextToImagePipeline(pipelinePath("wan"));
    const { network, autoencoder, schedule } = pipeline;
    expect(schedule).toEqual({ preconditioning: "flow-matching", shift: 3, dynamicShift: null });
    expect(network.sampleShape).toEqual([4, null, null, null]);
    expect(pipeline.unused).toEqual([]);

    const encoder = await pipeline.openPrompts({ longPrompt: 30 });
    const { condition, cut } = encoder.encode(prompts);
    expect(cut).toEqual([1]);
    expect(relativeError(condition.text, value("text"))).toBeLessThan(1e-5);
    expect(relativeError(encoder.none(2).text, value("none"))).toBeLessThan(1e-5);
    if (network.kind !== "wan") throw new Error(network.kind);
    const output = noGrad(() => network.module.forward(value("latents"), tensor([0.3, 0.8]), condition));
    expect(relativeError(output, value("output"))).toBeLessThan(1e-5);
    expect(relativeError(autoencoder.decode(value("latents")), value("decoded"))).toBeLessThan(1e-5);
    expect(relativeError(autoencoder.encode(value("decoded")), value("encoded"))).toBeLessThan(1e-5);
  });

  it("Stable Diffusion 3 without T5: zeros stand for it", async () => {
    const folder = copyOf("sd3");
    change(join(folder, "model_index.json"), { text_encoder_3: [null, null], tokenizer_3: [null, null] });
    const pipeline = await openTextToImagePipeline(folder);
    const { condition } = (await pipeline.openPrompts({ longPrompt: 30 })).encode(prompts);
    const text = reference("sd3")("text");
    expect(condition.text.shape).toEqual(text.shape);
    expect(relativeError(condition.text.narrow(1, 0, 20), text.narrow(1, 0, 20))).toBeLessThan(1e-5);
    expect(condition.text.narrow(1, 20, 30).abs().max().item()).toBe(0);
  });
});

function change(path: string, fields: object): void {
  const content = JSON.parse(readFileSync(path, "utf8"));
  writeFileSync(path, JSON.stringify({ ...content, ...fields }));
}

describe("folders that are refused", () => {
  const weights = "diffusion_pytorch_model";
  it.each<[string, string, (folder: string) => void, string]>([
    [
      "no network",
      "sd",
      (f) => change(f, { unet: [null, null] }),
      "no network for pictures or clips from text",
    ],
    ["no autoencoder", "sd", (f) => change(f, { vae: [null, null] }), '"vae" is missing'],
    [
      "a part without a folder",
      "sd",
      (f) => rmSync(join(f, "../vae"), { recursive: true }),
      "vae: no such folder",
    ],
    [
      "an unknown autoencoder",
      "sd",
      (f) => change(f, { vae: ["diffusers", "AutoencoderOobleck"] }),
      "AutoencoderOobleck is not known",
    ],
    [
      "another scheduler",
      "sd3",
      (f) => change(join(f, "../scheduler/scheduler_config.json"), { invert_sigmas: true }),
      '"invert_sigmas": true is not supported',
    ],
    [
      "a scheduler without flow matching",
      "wan",
      (f) => change(join(f, "../scheduler/scheduler_config.json"), { prediction_type: "epsilon" }),
      '"prediction_type": this network needs a schedule of flow matching',
    ],
    [
      "two networks",
      "wan",
      (f) => change(f, { transformer_2: ["diffusers", "WanTransformer3DModel"] }),
      '"transformer_2": two networks that share the noise levels (Wan2.2) are not supported',
    ],
    [
      "a time for each token",
      "wan",
      (f) => change(f, { expand_timesteps: true }),
      '"expand_timesteps": a time of its own for each token (Wan2.2) is not supported',
    ],
    [
      "no weights",
      "sd3",
      (f) => rmSync(join(f, `../transformer/${weights}.safetensors`)),
      `${weights}.safetensors: no such file`,
    ],
    [
      "two variants, none chosen",
      "sdxl",
      (f) => {
        const at = (name: string) => join(f, `../unet/${weights}.${name}.safetensors`);
        writeFileSync(at("bf16"), readFileSync(at("fp16")));
      },
      'variants there are: "bf16", "fp16"',
    ],
    [
      "a shard that is missing",
      "flux",
      (f) => rmSync(join(f, `../transformer/${weights}-00002-of-00006.safetensors`)),
      "00002-of-00006.safetensors: no such file",
    ],
    [
      "a shard of another name",
      "flux",
      (f) => {
        const index = join(f, `../transformer/${weights}.safetensors.index.json`);
        writeFileSync(index, readFileSync(index, "utf8").replaceAll(`${weights}-00002`, "../00002"));
      },
      "is no file of this folder: refused",
    ],
    [
      "weights of another network",
      "sd",
      (f) => change(join(f, "../unet/config.json"), { layers_per_block: 2 }),
      "missing weights: down_blocks.0.resnets.1",
    ],
    [
      "weights of other sizes",
      "sd3",
      (f) => change(join(f, "../transformer/config.json"), { joint_attention_dim: 20 }),
      "context_embedder.weight has shape [8, 16] instead of [8, 20]",
    ],
  ])("%s", async (_, name, spoil, problem) => {
    const folder = copyOf(name);
    spoil(join(folder, "model_index.json"));
    await expect(openTextToImagePipeline(folder)).rejects.toThrow(problem);
  });

  it.each<[string, string, (folder: string) => void, string]>([
    [
      "an encoder without its tokenizer",
      "sd",
      (f) => rmSync(join(f, "tokenizer"), { recursive: true }),
      "its tokenizer",
    ],
    [
      "no encoder",
      "sd3",
      (f) => change(join(f, "model_index.json"), { text_encoder: [null, null] }),
      '"text_encoder" is missing',
    ],
    [
      "an encoder of another kind",
      "flux",
      (f) => change(join(f, "model_index.json"), { text_encoder_2: ["transformers", "UMT5EncoderModel"] }),
      "is UMT5EncoderModel, not T5EncoderModel",
    ],
    [
      "a damaged file",
      "sd3",
      (f) => renameSync(join(f, "text_encoder_3/config.json"), join(f, "text_encoder_3/model.safetensors")),
      "text_encoder_3/config.json: no such file",
    ],
  ])("%s", async (_, name, spoil, problem) => {
    const folder = copyOf(name);
    spoil(folder);
    const pipeline = await openTextToImagePipeline(folder);
    await expect(pipeline.openPrompts()).rejects.toThrow(problem);
  });
});

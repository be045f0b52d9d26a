import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Generator,
  inferenceMode,
  ones,
  randn,
  readSafetensors,
  type Tensor,
  writeSafetensors,
} from "@disback/torch";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { DisbackError } from "../../src/errors.js";
import {
  createDenoiser,
  type DenoiserConfigInput,
  loadModel,
  parseDenoiserConfig,
  saveModel,
} from "../../src/models/config.js";
import { relativeError } from "./fixtures.js";

const config = {
  network: "song-unet",
  imageResolution: 8,
  imageChannels: 1,
  modelChannels: 8,
  channelMultipliers: [1, 2],
  blocksPerResolution: 1,
  attentionResolutions: [],
} satisfies DenoiserConfigInput;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-model-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function saved(input: DenoiserConfigInput = config) {
  const denoiser = createDenoiser(input, { generator: new Generator(1) }).eval();
  saveModel(folder, denoiser, input);
  return denoiser;
}

/** Rewrites the weights' file. */
function change(edit: (tensors: Map<string, Tensor>) => void): void {
  const path = join(folder, "model.safetensors");
  const tensors = new Map([...readSafetensors(path).tensors].map(([key, value]) => [key, value.clone()]));
  edit(tensors);
  writeSafetensors(path, tensors);
}

describe("model folders", () => {
  it("stored as f16, they take half the space and come back as float32, rounded", () => {
    const denoiser = saved();
    const path = join(folder, "model.safetensors");
    const full = statSync(path).size;
    saveModel(folder, denoiser, config, { precision: "f16" });
    expect(statSync(path).size).toBeLessThan(0.6 * full);
    for (const [key, value] of loadModel(folder).denoiser.stateDict()) {
      const original = denoiser.stateDict().get(key)!;
      expect(value.dtype).toBe("float32");
      expect(value.equal(original.to("float16").float()), key).toBe(true);
    }
    inferenceMode(() => denoiser.parameters()[0]!.fill_(1e5));
    const before = readFileSync(path);
    expect(() => saveModel(folder, denoiser, config, { precision: "f16" })).toThrow(
      /has values beyond float16's range; store it as f32/,
    );
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it.each<DenoiserConfigInput>([
    config,
    { ...config, network: "dhariwal-unet", preconditioning: "iddpm", modelChannels: 32 },
    { network: "mlp", dimension: 2, hiddenChannels: 16, blocks: 1, labelDim: 3 },
  ])("$network: what is saved is loaded", (input) => {
    const denoiser = saved(input);
    const loaded = loadModel(folder);
    expect(loaded.config).toEqual(parseDenoiserConfig(input));
    expect(loaded.denoiser.training).toBe(false);
    for (const [key, value] of loaded.denoiser.stateDict()) {
      expect(relativeError(value, denoiser.stateDict().get(key)!), key).toBe(0);
    }
    expect(readdirSync(folder).sort()).toEqual(["config.json", "model.safetensors"]);
  });

  it("clones keep working", () => {
    const denoiser = saved();
    const x = randn([1, 1, 8, 8], { generator: new Generator(1) });
    expect(relativeError(denoiser.clone().denoise(x, ones([1])), denoiser.denoise(x, ones([1])))).toBe(0);
  });

  it.each<[string, () => void, RegExp]>([
    [
      "no folder",
      () => rmSync(folder, { recursive: true }),
      /config\.json: cannot read the model: no such file$/,
    ],
    ["no weights", () => rmSync(join(folder, "model.safetensors")), /model\.safetensors/],
    ["no JSON", () => writeFileSync(join(folder, "config.json"), "{"), /config\.json: not valid JSON$/],
    [
      "a wrong field",
      () => writeFileSync(join(folder, "config.json"), JSON.stringify({ ...config, modelChannels: "many" })),
      /config\.json: modelChannels: /,
    ],
    [
      "an unknown field",
      () => writeFileSync(join(folder, "config.json"), JSON.stringify({ ...config, chanels: 3 })),
      /config\.json: .*chanels/,
    ],
    [
      "a missing key",
      () => change((t) => t.delete("model.map_layer0.bias")),
      /safetensors: .*missing model\.map_layer0\.bias/,
    ],
    ["an unexpected key", () => change((t) => t.set("extra", ones([1]))), /safetensors: .*unexpected extra/],
    [
      "a wrong shape",
      () => change((t) => t.set("model.map_layer0.bias", ones([3]))),
      /safetensors: .*model\.map_layer0\.bias has shape \[3\] instead of \[32\]/,
    ],
    [
      "a wrong dtype",
      () => change((t) => t.set("model.map_layer0.bias", ones([32], { dtype: "float64" }))),
      /model\.map_layer0\.bias has dtype float64 instead of float32/,
    ],
    [
      "another filter",
      () => change((t) => t.set("model.dec.8x8_up.skip.resample_filter", ones([1, 1, 2, 2]))),
      /model\.dec\.8x8_up\.skip\.resample_filter differs from resampleFilter in config\.json/,
    ],
    [
      "damaged weights",
      () => writeFileSync(join(folder, "model.safetensors"), "not a model"),
      /model\.safetensors/,
    ],
  ])("%s: one line that names file and place", (_name, damage, message) => {
    saved();
    damage();
    let error: unknown;
    try {
      loadModel(folder);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(DisbackError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toContain("\n");
  });

  it("names a folder that cannot be written", () => {
    const file = join(folder, "file");
    writeFileSync(file, "");
    const denoiser = createDenoiser(config, { generator: new Generator(1) });
    expect(() => saveModel(file, denoiser, config)).toThrow(`${file}: cannot write the model`);
    expect(readFileSync(file, "utf8")).toBe("");
  });
});

describe("denoiser configurations", () => {
  it.each<[object, string]>([
    [
      { network: "unet" },
      'denoiser: network: expected "song-unet", "dhariwal-unet", "edm2", "unet-2d", "unet-2d-condition", "sd3", "flux", "wan", "text-unet", "text-transformer", "pair-unet", "video-unet", "dit", "video-dit" or "mlp"',
    ],
    [{ ...config, imageResolution: 9 }, "imageResolution: must be a multiple of 2"],
    [{ ...config, modelChannels: 6 }, "modelChannels: must be a multiple of 4"],
    [{ ...config, sigmaMin: 3, sigmaMax: 2 }, "sigmaMin: must be below sigmaMax (2)"],
    [{ ...config, resampleFilter: [1, 2, 1] }, "resampleFilter: an even number of taps is needed"],
    [{ network: "mlp" }, "dimension: "],
  ])("%o: %s", (input, message) => {
    expect(() => parseDenoiserConfig(input)).toThrow(message);
  });

  it("name channels that cannot be normalized", () => {
    expect(() => createDenoiser({ ...config, modelChannels: 36, channelMultipliers: [1, 4] })).toThrow(
      "modelChannels: a layer has 144 channels, which 32 groups do not divide",
    );
  });
});

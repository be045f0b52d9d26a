import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noGrad, readSafetensors } from "@disback/torch";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readJsonObject } from "../../src/import/diffusers/json-file.js";
import { describeSchedule } from "../../src/import/diffusers/noise-schedule.js";
import { readAutoencoder } from "../../src/import/read-autoencoder.js";
import { readTeacher } from "../../src/import/read-teacher.js";
import { loadAutoencoder, saveAutoencoder } from "../../src/models/autoencoder/storage.js";
import { noiseLevels } from "../../src/models/preconditioning/beta-schedule.js";
import { messageOf } from "../import/fixtures.js";
import { relativeError } from "../models/fixtures.js";
import { component, fixture } from "./fixtures.js";

const { tensors: outputs } = readSafetensors(fixture("ldm-vq/outputs.safetensors"));
const value = (name: string) => outputs.get(name)!;
const files: Record<string, { text: string; lowest: number; highest: number }> = JSON.parse(
  readFileSync(fixture("scheduler-files.json"), "utf8"),
);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-fields-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the pipeline with fields of one of its files changed. */
function changed(file: string, fields: Record<string, unknown>): string {
  const copy = join(folder, "copy");
  cpSync(fixture("ldm-vq"), copy, { recursive: true });
  const path = join(copy, file);
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...fields }));
  return copy;
}
const scheduler = "scheduler/scheduler_config.json";

describe("latents of a VQModel", () => {
  it("are decoded and encoded as diffusers does", async () => {
    const { autoencoder, config, denoiser } = await readTeacher(fixture("ldm-vq"));
    expect(config).toMatchObject({ sigmaData: 1, imageChannels: 3, imageResolution: 8 });
    const clean = noGrad(() => denoiser.denoise(value("x"), value("sigma")));
    expect(relativeError(clean, value("epsilon"))).toBeLessThan(1e-4);
    expect(relativeError(autoencoder!.decode(value("latents")), value("images"))).toBeLessThan(1e-4);
    expect(relativeError(autoencoder!.encode(value("photos")), value("encoded"))).toBeLessThan(1e-4);
    saveAutoencoder(join(folder, "ours"), autoencoder!);
    const again = loadAutoencoder(join(folder, "ours"));
    expect(relativeError(again.decode(value("latents")), value("images"))).toBeLessThan(1e-4);
  });

  it("by the autoencoder alone", async () => {
    const alone = await readAutoencoder(fixture("ldm-vq/vqvae"));
    expect(relativeError(alone.decode(value("latents")), value("images"))).toBeLessThan(1e-4);
  });

  it("another decoder is refused by its name", async () => {
    const copy = changed("model_index.json", { vqvae: ["diffusers", "AutoencoderDC"] });
    const config = join(copy, "vqvae", "config.json");
    writeFileSync(config, readFileSync(config, "utf8").replace("VQModel", "AutoencoderDC"));
    expect(await messageOf(() => readTeacher(copy))).toMatch(
      /model_index\.json: "vqvae" \(AutoencoderDC\): disback does not know this part/,
    );
  });
});

describe("parts of a pipeline", () => {
  it("one that is not known is refused, one that changes nothing is named", async () => {
    const text = changed("model_index.json", { text_encoder: ["transformers", "CLIPTextModel"] });
    expect(await messageOf(() => readTeacher(text))).toMatch(/"text_encoder" \(CLIPTextModel\)/);
    const other = changed("model_index.json", { id2label: { 0: "cat" }, safety_checker: [null, null] });
    expect((await readTeacher(other)).notes).toEqual(["left out: id2label"]);
  });
});

describe("predict_epsilon, of before 2023", () => {
  it("false is a network that predicts the clean sample", async () => {
    const copy = changed(scheduler, { predict_epsilon: false, prediction_type: undefined });
    const { config, denoiser } = await readTeacher(copy);
    expect(config).toMatchObject({ prediction: "sample" });
    const clean = noGrad(() => denoiser.denoise(value("x"), value("sigma")));
    expect(relativeError(clean, value("sample"))).toBeLessThan(1e-4);
  });

  it("true is epsilon; a contradiction is refused", () => {
    const config = (fields: object) =>
      describeSchedule(component({ _class_name: "DDPMScheduler", ...fields })).prediction;
    expect(config({ predict_epsilon: true })).toBe("epsilon");
    expect(config({ predict_epsilon: null, prediction_type: "v_prediction" })).toBe("v");
    expect(config({ predict_epsilon: true, prediction_type: "epsilon" })).toBe("epsilon");
    expect(() => config({ predict_epsilon: true, prediction_type: "v_prediction" })).toThrow(
      /"predict_epsilon": true contradicts "prediction_type": "v_prediction"/,
    );
  });
});

describe("scheduler files as diffusers writes them", () => {
  it.each(Object.keys(files))("%s", (className) => {
    const { text, lowest, highest } = files[className]!;
    const path = join(folder, "scheduler_config.json");
    writeFileSync(path, text);
    const schedule = describeSchedule(component(readJsonObject(path)));
    const levels = noiseLevels(schedule);
    expect(levels[0]! / lowest).toBeCloseTo(1, 4);
    expect(levels.at(-1)! / highest).toBeCloseTo(1, 4);
  });
});

describe("fields that are not used are named", () => {
  it.each<[file: string, fields: Record<string, unknown>, message: RegExp]>([
    [scheduler, { flavour: 3 }, /scheduler_config\.json: "flavour": unknown field, with the value 3$/],
    [scheduler, { timestep_type: "continuous" }, /"timestep_type": "continuous" is not supported/],
    [scheduler, { use_flow_sigmas: true }, /"use_flow_sigmas": true is not supported/],
    [scheduler, { variance_type: "guessed" }, /"variance_type"/],
    ["unet/config.json", { gated: true }, /unet\/config\.json: "gated": unknown field, with the value true/],
    ["vqvae/config.json", { norm_type: "spatial" }, /"norm_type": "spatial" is not supported, only "group"/],
    ["vqvae/config.json", { remap: "a.npy" }, /vqvae\/config\.json: "remap": unknown field/],
  ])("%s %j", async (file, fields, message) => {
    expect(await messageOf(() => readTeacher(changed(file, fields)))).toMatch(message);
  });

  it("those that mean nothing are fine: samplers' own, averages', and unknown ones that are null", async () => {
    const sampling = {
      steps_offset: 1,
      set_alpha_to_one: false,
      timestep_spacing: "trailing",
      tensor_format: "pt",
    };
    const copy = changed(scheduler, { ...sampling, later: null });
    const config = join(copy, "unet", "config.json");
    const average = { decay: 0.9999, optimization_step: 5, use_ema_warmup: true, inv_gamma: 1, power: 0.75 };
    writeFileSync(config, JSON.stringify({ ...JSON.parse(readFileSync(config, "utf8")), ...average }));
    expect((await readTeacher(copy)).notes).toEqual([]);
  });

  it("thresholding is the sampler's, and is said", async () => {
    const { notes } = await readTeacher(changed(scheduler, { thresholding: true }));
    expect(notes).toEqual([expect.stringContaining("thresholds its estimates")]);
  });
});

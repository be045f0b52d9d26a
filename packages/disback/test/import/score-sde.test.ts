import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noGrad, type Tensor, writeSafetensors } from "@disback/torch";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ReadTeacher, readTeacher } from "../../src/import/read-teacher.js";
import { relativeError } from "../models/fixtures.js";
import { drawnWeights, type OriginalCase, readOriginals, sameBits } from "./drawn-weights.js";
import { fixture, messageOf } from "./fixtures.js";

const { cases, value } = readOriginals("score-sde.safetensors");
const named = (name: string) => cases.find((of) => of.name === name)!;
const checkpoint = fixture("score-sde.pth");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-score-sde-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function written(of: OriginalCase, change: (weights: Map<string, Tensor>) => void = () => {}): string {
  const path = join(folder, "weights.safetensors");
  const weights = new Map([...drawnWeights(of)].map(([key, tensor]) => [`module.${key}`, tensor]));
  weights.set("module.sigmas", value(of, "sigmas")!);
  change(weights);
  writeSafetensors(path, weights);
  return path;
}

function settingsFile(settings: object): { config: string } {
  const config = join(folder, "settings.json");
  writeFileSync(config, JSON.stringify(settings));
  return { config };
}

function difference(of: OriginalCase, { denoiser }: ReadTeacher): number {
  const clean = noGrad(() => denoiser.denoise(value(of, "x")!, value(of, "sigma")!));
  return relativeError(clean, value(of, "clean")!);
}

describe("networks of score_sde", () => {
  it.each(cases)("$name: the original's score", async (of) => {
    const read = await readTeacher(written(of), settingsFile(of.flags));
    expect(difference(of, read)).toBeLessThan(1e-4);
    expect(read.config).toMatchObject({
      network: "song-unet",
      imageResolution: 16,
      attentionResolutions: [8],
    });
    expect(read.notes).toEqual(["weights that are not averaged: there is no ema"]);
  });

  it("every weight is there, bit by bit", async () => {
    const of = named("ddpmpp");
    const originals = drawnWeights(of);
    const { denoiser } = await readTeacher(written(of), settingsFile(of.flags));
    const state = denoiser.model.stateDict();
    // all_modules: two linear layers, a convolution, then blocks; the first attention is at 8 x 8.
    const attention = Object.keys(of.keys)
      .find((key) => key.endsWith("NIN_0.W"))!
      .replace("NIN_0.W", "");
    const qkv = state.get("enc.8x8_block0.qkv.weight")!.reshape([16, 3, 16]);
    for (const index of [0, 1, 2]) {
      const matrix = originals.get(`${attention}NIN_${index}.W`)!.transpose(0, 1);
      expect(sameBits(qkv.narrow(1, index, 1).reshape([16, 16]), matrix)).toBe(true);
    }
    expect(sameBits(state.get("map_layer0.weight")!, originals.get("all_modules.0.weight")!)).toBe(true);
    const numbers = [...originals.values()].reduce((sum, { numel }) => sum + numel, 0);
    const ours = [...state].filter(([key]) => !key.endsWith("resample_filter"));
    expect(ours.reduce((sum, [, { numel }]) => sum + numel, 0)).toBe(numbers);
  });

  it("a checkpoint: averaged weights, noise levels of [0, 1] doubled", async () => {
    const read = await readTeacher(checkpoint, settingsFile(named("ncsnpp").flags));
    // The stored network is another one; its average is the one that was measured.
    expect(difference(named("ncsnpp"), read)).toBeLessThan(1e-4);
    expect(read.config).toMatchObject({ preconditioning: "ve", sigmaMin: 0.02, sigmaMax: 40 });
    expect([read.key, read.notes]).toEqual([
      "model",
      ["averaged weights (ema)", "left out: optimizer, step"],
    ]);
  });

  it("a few settings are enough, the weights tell the rest", async () => {
    const few = { sde: "vesde", image_size: 16, fir: true };
    const read = await readTeacher(checkpoint, settingsFile(few));
    expect(difference(named("ncsnpp"), read)).toBeLessThan(1e-4);
    expect(read.notes).toContain("score_sde's usual dropout is used: 0.1");
  });
});

describe("what does not fit is said", () => {
  const few = { sde: "vesde", image_size: 16, fir: true };
  it.each<[string, object | undefined, RegExp]>([
    ["nothing given", undefined, /yang-song\/score_sde_pytorch.*--config FILE: sde, image_size, fir/],
    ["no filter", { sde: "vesde", image_size: 16 }, /settings\.json: "fir" is missing/],
    ["another SDE", { ...few, sde: "subvpsde" }, /"sde": only "vpsde" and "vesde" are supported/],
    ["the wrong SDE", { ...few, sde: "vpsde" }, /"sde": vpsde is supported with "positional" embeddings/],
    ["another width", { ...few, nf: 8 }, /"nf" is 8, but the weights belong to a network with 4/],
    ["another attention", { ...few, attn_resolutions: [16] }, /"attn_resolutions" is 16, but .* with 8/],
    ["centred data", { ...few, centered: true }, /"centered": with vesde only false/],
    ["other levels", { ...few, sigma_max: 50 }, /"sigma_max" is 50 in the settings, but 20 in the weights/],
    ["an unknown one", { ...few, model: { flavour: 1 } }, /"flavour" is not a setting of score_sde/],
    ["another network", { ...few, name: "ddpm" }, /"name": only "ncsnpp"/],
    ["a configuration of ours", { network: "song-unet" }, /give their training settings/],
  ])("%s", async (_, settings, message) => {
    const options = settings ? settingsFile(settings) : {};
    expect(await messageOf(() => readTeacher(checkpoint, options))).toMatch(message);
  });

  it.each<[string, (weights: Map<string, Tensor>) => void, RegExp]>([
    [
      "a missing part",
      (all) => all.delete("module.all_modules.2.weight"),
      /does not know what all_modules\.2 is \(bias\)/,
    ],
    [
      "a further tensor",
      (all) => all.set("module.extra", all.get("module.sigmas")!),
      /does not know what extra is/,
    ],
    [
      "a list that ends",
      (all) => {
        const last = Math.max(
          ...[...all.keys()].map((key) => Number(/all_modules\.(\d+)/.exec(key)?.[1] ?? 0)),
        );
        for (const key of [...all.keys()]) if (key.includes(`all_modules.${last}.`)) all.delete(key);
      },
      /score_sde: it ends where convolution is expected/,
    ],
  ])("%s", async (_, change, message) => {
    const path = written(named("ddpmpp"), change);
    const settings = settingsFile({ sde: "vpsde", image_size: 16, fir: false });
    expect(await messageOf(() => readTeacher(path, settings))).toMatch(message);
  });
});

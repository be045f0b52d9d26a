import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator, noGrad, readSafetensors } from "@disback/torch";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readPostHocEma, snapshotsByName } from "../../src/import/edm2/post-hoc-ema.js";
import { readTeacher } from "../../src/import/read-teacher.js";
import { buildAutoencoder } from "../../src/models/autoencoder/autoencoder.js";
import { parseAutoencoderConfig } from "../../src/models/autoencoder/autoencoder-config.js";
import { loadAutoencoder, saveAutoencoder } from "../../src/models/autoencoder/storage.js";
import { emaExponent, postHocCoefficients } from "../../src/models/edm2/power-function-ema.js";
import { randomWeights } from "../../src/models/weights.js";
import { relativeError } from "../models/fixtures.js";
import { fixture, fixtureBytes, messageOf } from "./fixtures.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-edm2-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const outputs = (name: string) => {
  const { tensors } = readSafetensors(fixture(`${name}.safetensors`));
  return (key: string) => tensors.get(key)!;
};

/** An autoencoder of four latent channels, as Stable Diffusion's is. */
function writeAutoencoder(): string {
  const config = parseAutoencoderConfig({
    autoencoder: "kl",
    imageChannels: 3,
    latentChannels: 4,
    channels: [4, 4],
    blocksPerLevel: 1,
    normalizationGroups: 2,
    scalingFactor: 1,
  });
  const path = join(folder, "vae");
  saveAutoencoder(path, buildAutoencoder(config, randomWeights(new Generator(2))));
  return path;
}

describe("snapshots of EDM2", () => {
  it("of images", async () => {
    const value = outputs("edm2-rgb");
    const { denoiser, config, className, notes, others } = await readTeacher(fixture("edm2-rgb.pkl"));
    const output = noGrad(() => denoiser.denoise(value("x"), value("sigma"), { class: value("labels") }));
    expect(relativeError(output, value("output"))).toBeLessThan(1e-5);
    expect(config).toMatchObject({ network: "edm2", modelChannels: 8, labelDim: 2, clipActivations: 256 });
    expect([className, others]).toEqual(["Precond", []]);
    expect(notes).toEqual([
      "the estimate of uncertainty (logvar), which only its training uses, is left out",
      "left out: dataset_kwargs, loss_fn",
    ]);
  });

  it("of latents, with the autoencoder that they are of", async () => {
    const value = outputs("edm2-latent");
    const vae = writeAutoencoder();
    const { denoiser, autoencoder } = await readTeacher(fixture("edm2-latent.pkl"), { autoencoder: vae });
    const output = noGrad(() => denoiser.denoise(value("x"), value("sigma"), { class: value("labels") }));
    expect(relativeError(output, value("output"))).toBeLessThan(1e-5);
    // The original's raw latents go into the decoder, and its images are in [0, 1].
    const plain = loadAutoencoder(vae);
    const expected = plain.decode(value("raw")).mul(2).sub(1);
    expect(relativeError(autoencoder!.decode(value("latents")), expected)).toBeLessThan(1e-5);
    const again = autoencoder!.encode(autoencoder!.decode(value("latents")));
    const raw = plain.encode(plain.decode(value("raw")));
    const scale = [4.17, 4.62, 3.71, 3.28].map((deviation) => 0.5 / deviation);
    const [first, mean] = [scale[0]!, 5.81];
    expect(relativeError(again.narrow(1, 0, 1), raw.narrow(1, 0, 1).sub(mean).mul(first))).toBeLessThan(1e-5);
  });

  it("of latents are not taken for images", async () => {
    expect(await messageOf(() => readTeacher(fixture("edm2-latent.pkl")))).toMatch(
      /edm2-latent\.pkl: "ema": its samples are latents of stabilityai\/sd-vae-ft-mse.*--autoencoder/,
    );
    const vae = writeAutoencoder();
    expect(await messageOf(() => readTeacher(fixture("edm2-rgb.pkl"), { autoencoder: vae }))).toMatch(
      /its samples are images, so --autoencoder has no effect/,
    );
  });

  it.each([
    ["StandardRGBEncoder", "StandardXYZEncoder", /"encoder" is StandardXYZEncoder: disback knows/],
    ["model_channels", "model_channelz", /UNet has an unknown setting model_channelz/],
    ["sigma_data", "sigma_datz", /Precond has an unknown setting sigma_datz/],
  ])("%s as %s is refused", async (from, to, message) => {
    const path = join(folder, "other.pkl");
    const text = Buffer.from(fixtureBytes("edm2-rgb.pkl")).toString("latin1");
    writeFileSync(path, Buffer.from(text.replaceAll(from, to), "latin1"));
    expect(await messageOf(() => readTeacher(path))).toMatch(message);
  });
});

describe("post-hoc EMA", () => {
  const { cases, deviations, exponents } = JSON.parse(readFileSync(fixture("phema.json"), "utf8")) as {
    cases: { images: number[]; deviations: number[]; out: [number, number]; coefficients: number[] }[];
    deviations: number[];
    exponents: number[];
  };
  const profilesOf = (times: number[], widths: number[]) =>
    times.map((time, index) => ({ time, deviation: widths[index]! }));

  it("exponents are the original's", () => {
    for (const [index, deviation] of deviations.entries()) {
      expect(emaExponent(deviation) / exponents[index]!).toBeCloseTo(1, 9);
    }
    for (const wrong of [0, -1, 0.289, Number.NaN]) expect(() => emaExponent(wrong)).toThrow(/deviation/);
  });

  it.each(cases)(
    "coefficients are the original's: $out",
    ({ images, deviations: widths, out, coefficients }) => {
      const [time, deviation] = out;
      const solved = postHocCoefficients(profilesOf(images, widths), { time, deviation });
      for (const [index, expected] of coefficients.entries()) expect(solved[index]).toBeCloseTo(expected, 6);
    },
  );

  it("a stored average is itself", () => {
    const stored = profilesOf([1, 1, 2, 2], [0.05, 0.1, 0.05, 0.1]);
    const solved = postHocCoefficients(stored, { time: 2, deviation: 0.1 });
    for (const [index, factor] of [0, 0, 0, 1].entries()) expect(solved[index]).toBeCloseTo(factor, 9);
  });

  it("the average of a weight that moves as t^p is (gamma + 1) / (gamma + p + 1) T^p", () => {
    const times = Array.from({ length: 12 }, (_, index) => index + 1);
    const stored = times.flatMap((time) => [0.05, 0.1].map((deviation) => ({ time, deviation })));
    for (const power of [0.5, 1, 2]) {
      const average = (time: number, deviation: number) => {
        const gamma = emaExponent(deviation);
        return ((gamma + 1) / (gamma + power + 1)) * time ** power;
      };
      for (const deviation of [0.06, 0.08, 0.15]) {
        const solved = postHocCoefficients(stored, { time: 12, deviation });
        const sum = stored.reduce(
          (total, one, index) => total + solved[index]! * average(one.time, one.deviation),
          0,
        );
        expect(Math.abs(sum / average(12, deviation) - 1)).toBeLessThan(1e-3);
      }
    }
  });

  it("adds the weights of snapshots, by the names of their files", async () => {
    const names = ["network-snapshot-0001048-0.050.pkl", "network-snapshot-0002097-0.050.pkl"];
    const paths = names.map((name) => join(folder, name));
    cpSync(fixture("edm2-rgb.pkl"), paths[0]!);
    cpSync(fixture("edm2-later.pkl"), paths[1]!);
    const snapshots = snapshotsByName(paths);
    expect(snapshots.map(({ time, deviation }) => [time, deviation])).toEqual([
      [1_048_576, 0.05],
      [2_097_152, 0.05],
    ]);
    const value = outputs("edm2-later");
    const { denoiser, notes } = await readPostHocEma(snapshots, { deviation: 0.1 });
    const output = noGrad(() => denoiser.denoise(value("x"), value("sigma"), { class: value("labels") }));
    expect(relativeError(output, value("reconstructed"))).toBeLessThan(1e-4);
    expect(relativeError(output, value("output"))).toBeGreaterThan(1e-2);
    expect(notes.at(-1)).toBe("reconstructed from 2 snapshots: sigma_rel 0.1 after 2097152 images");
    const latent = snapshots.map((one, index) =>
      index === 0 ? { ...one, path: fixture("vp-ddpmpp.pkl") } : one,
    );
    expect(await messageOf(() => readPostHocEma(latent, { deviation: 0.1 }))).toMatch(
      /another network than in/,
    );
    expect(await messageOf(() => readPostHocEma(snapshots, { deviation: 0.1, time: 5 }))).toMatch(
      /no snapshot/,
    );
    expect(() => snapshotsByName(["ema.pkl"])).toThrow(/ema\.pkl: its name/);
  });
});

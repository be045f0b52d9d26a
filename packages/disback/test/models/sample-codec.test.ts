import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cat, Generator, randn } from "@disback/torch";
import { afterAll, describe, expect, it } from "vitest";
import { buildAutoencoder } from "../../src/models/autoencoder/autoencoder.js";
import { parseAutoencoderConfig } from "../../src/models/autoencoder/autoencoder-config.js";
import { latentCodec } from "../../src/models/autoencoder/latent-codec.js";
import { openCodec } from "../../src/models/autoencoder/open-codec.js";
import { randomWeights } from "../../src/models/weights.js";
import { relativeError } from "./fixtures.js";

const folder = mkdtempSync(join(tmpdir(), "disback-codec-"));
afterAll(() => rmSync(folder, { recursive: true }));

const config = parseAutoencoderConfig({
  autoencoder: "kl",
  imageChannels: 1,
  latentChannels: 2,
  channels: [4, 4, 4],
  blocksPerLevel: 1,
  normalizationGroups: 2,
});
const autoencoder = buildAutoencoder(config, randomWeights(new Generator(1)));

describe("the codec of a model folder", () => {
  it("leaves samples as they are where there is no autoencoder", () => {
    const codec = openCodec(folder, [3, 8, 8]);
    const samples = randn([2, 3, 8, 8]);
    expect(codec.shownShape).toEqual([3, 8, 8]);
    expect(codec.decode(samples)).toBe(samples);
    expect(codec.encode(samples)).toBe(samples);
    codec.save(join(folder, "nothing"));
    expect(readdirSync(folder)).toEqual([]);
  });

  it("decodes with the autoencoder that was saved", () => {
    latentCodec(autoencoder, [2, 3, 3], "here").save(folder);
    const codec = openCodec(folder, [2, 3, 3]);
    expect(codec.shownShape).toEqual([1, 12, 12]);
    const latents = randn([3, 2, 3, 3], { generator: new Generator(2) });
    const images = codec.decode(latents);
    expect(images.shape).toEqual([3, 1, 12, 12]);
    expect(images.requiresGrad).toBe(false);
    expect(relativeError(images, autoencoder.decode(latents))).toBeLessThan(1e-5);
    expect(codec.encode(images).shape).toEqual([3, 2, 3, 3]);
  });

  it("is the same for many samples as for each alone, which is how it works through large ones", () => {
    const sizes = { channels: [1], normalizationGroups: 1, latentChannels: 1, attention: false };
    const small = buildAutoencoder({ ...config, ...sizes }, randomWeights(new Generator(1)));
    const large = randn([2, 1, 400, 400], { generator: new Generator(3) });
    const each = cat(large.split(1).map((one) => small.decode(one)));
    expect(small.decode(large).sub(each).abs().max().item()).toBe(0);
  });

  it("refuses latents of other channels, naming the folder", () => {
    expect(() => openCodec(folder, [4, 3, 3])).toThrow(
      `${join(folder, "autoencoder")}: the network's samples are [4, 3, 3], the autoencoder's latents have 2 channels`,
    );
    expect(() => latentCodec(autoencoder, [2], "points")).toThrow("points: the network's samples are [2]");
  });

  it("names file and field of a configuration that is wrong", () => {
    const path = join(folder, "autoencoder", "config.json");
    writeFileSync(path, JSON.stringify({ ...config, normalizationGroups: 3 }));
    expect(() => openCodec(folder, [2, 3, 3])).toThrow(
      `${path}: channels: 4 cannot be divided into 3 normalization groups`,
    );
    writeFileSync(path, JSON.stringify({ ...config, latentChannels: 3 }));
    expect(() => openCodec(folder, [3, 3, 3])).toThrow(
      /model\.safetensors: state dict: .*decoder\.conv_in\.weight has shape/,
    );
  });
});

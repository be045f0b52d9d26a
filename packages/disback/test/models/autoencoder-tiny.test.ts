import { Generator } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { describeTinyAutoencoder } from "../../src/import/diffusers/autoencoder-tiny.js";
import { TinyAutoencoder } from "../../src/models/autoencoder-tiny/autoencoder-tiny.js";
import { randomWeights } from "../../src/models/weights.js";
import { fill, readCases, relativeError } from "./fixtures.js";

const { cases, value } = readCases("autoencoder-tiny");
const describing = (config: object) =>
  describeTinyAutoencoder({ config: config as Record<string, unknown>, configPath: "config.json" });

describe("AutoencoderTiny of diffusers", () => {
  it.each(cases)("$name: keys, latents and pictures", (of) => {
    const autoencoder = new TinyAutoencoder(randomWeights(new Generator(0)), describing(of.config)).eval();
    const shapes = Object.fromEntries([...autoencoder.stateDict()].map(([key, { shape }]) => [key, shape]));
    expect(shapes).toEqual(of.keys);
    fill(autoencoder, of.seed);
    expect(relativeError(autoencoder.encode(value(of, "images")!), value(of, "latents")!)).toBeLessThan(1e-5);
    expect(relativeError(autoencoder.decode(value(of, "noise")!), value(of, "decoded")!)).toBeLessThan(1e-5);
  });

  it.each<[object, string]>([
    [{ upsample_fn: "bilinear" }, '"upsample_fn": "bilinear" is not supported, only "nearest"'],
    [{ encoder_block_out_channels: [8, 8, 8, 4] }, '"encoder_block_out_channels": levels of different'],
    [{ num_decoder_blocks: [3, 1] }, '"upsampling_scaling_factor": pictures would come back 2 times'],
    [{ out_channels: 4 }, '"out_channels": 4 channels out of 3'],
    [{ spectral: 1 }, '"spectral": unknown field, with the value 1'],
  ])("refuses %j", (change, problem) => {
    expect(() => describing({ ...cases[0]!.config, ...change })).toThrow(`config.json: ${problem}`);
  });
});

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Generator } from "@disback/torch";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { exportableModel } from "../../src/export/exportable.js";
import { exportFormats } from "../../src/export/formats.js";
import { openCheckpoint } from "../../src/import/checkpoint/open-checkpoint.js";
import type { PersistentObject } from "../../src/import/edm/persistent-object.js";
import { readTeacher } from "../../src/import/read-teacher.js";
import { createDenoiser, type DenoiserConfigInput, parseDenoiserConfig } from "../../src/models/config.js";
import { fixture } from "../diffusers/fixtures.js";
import { messageOf } from "../import/fixtures.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-layouts-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const options = { precision: "f32" } as const;
const song: DenoiserConfigInput = {
  network: "song-unet",
  imageResolution: 8,
  imageChannels: 1,
  labelDim: 3,
  modelChannels: 8,
  channelMultipliers: [1, 2],
  blocksPerResolution: 1,
  sigmaData: 0.6,
};
const model = (input: DenoiserConfigInput) => {
  const config = parseDenoiserConfig(input);
  const module = createDenoiser(config, { generator: new Generator(1) }).eval();
  return { config, module, facts: module.facts };
};

describe("--format edm", () => {
  it("writes class, arguments and weights of the original's network", async () => {
    const written = model(song);
    const path = join(folder, "network.pkl");
    const { figures } = await exportFormats.edm.write(written, path, options);
    expect(figures["bytes"]).toBe(readFileSync(path).length);
    const { value } = await openCheckpoint(path);
    const { className, state } = (value as Map<string, PersistentObject>).get("ema")!;
    expect(className).toBe("EDMPrecond");
    const given = Object.fromEntries(state.get("arguments") as Map<string, unknown>);
    expect(given).toMatchObject({
      img_resolution: 8,
      img_channels: 1,
      label_dim: 3,
      model_type: "SongUNet",
      sigma_data: 0.6,
      model_channels: 8,
      channel_mult: [1, 2],
      num_blocks: 1,
      embedding_type: "positional",
    });
    expect(given).not.toHaveProperty("sigma_max");
    const weights = state.get("weights") as Map<string, [number[], Uint8Array]>;
    const expected = written.module.stateDict();
    expect([...weights.keys()]).toEqual([...expected.keys()]);
    for (const [key, [shape, bytes]] of weights) {
      expect(shape, key).toEqual(expected.get(key)!.shape);
      expect(Buffer.compare(bytes, expected.get(key)!.bytes()), key).toBe(0);
    }
  });

  it.each<DenoiserConfigInput>([
    song,
    { ...song, preconditioning: "vp", betaSlope: 12, resampleFilter: [1, 3, 3, 1], encoderType: "residual" },
    { ...song, network: "dhariwal-unet", preconditioning: "iddpm", timesteps: 50 } as DenoiserConfigInput,
  ])("is imported again as it was: %j", async (input) => {
    const { sigmaData, ...others } = input;
    const written = model(input.preconditioning ? others : input);
    const path = join(folder, "network.pkl");
    await exportFormats.edm.write(written, path, options);
    const again = await readTeacher(path);
    expect(again.config).toEqual(written.config);
    const expected = written.module.stateDict();
    for (const [key, tensor] of again.denoiser.stateDict()) {
      expect(Buffer.compare(tensor.bytes(), expected.get(key)!.bytes()), key).toBe(0);
    }
  });

  it("refuses what NVlabs/edm does not have", async () => {
    const write = (input: DenoiserConfigInput) =>
      messageOf(() => exportFormats.edm.write(model(input), join(folder, "network.pkl"), options));
    expect(await write({ ...song, preconditioning: "discrete" })).toMatch(
      /no song-unet with discrete preconditioning; it has song-unet and dhariwal-unet with edm, vp, ve, iddpm/,
    );
    expect(await write({ ...song, network: "dhariwal-unet", channelsPerHead: 8 })).toMatch(
      /attention heads there have 64 channels, not 8/,
    );
    expect(await write({ network: "mlp", dimension: 2 })).toMatch(/no mlp/);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("--format diffusers", () => {
  it("writes what was read: same configuration, same weights, same files' fields", async () => {
    const { config, denoiser } = await readTeacher(fixture("pipeline"));
    const path = join(folder, "pipeline");
    const read = { config, module: denoiser, facts: denoiser.facts };
    await exportFormats.diffusers.write(read, path, options);
    const again = await readTeacher(path);
    expect(again.config).toEqual(config);
    const expected = denoiser.stateDict();
    for (const [key, tensor] of again.denoiser.stateDict()) {
      expect(Buffer.compare(tensor.bytes(), expected.get(key)!.bytes()), key).toBe(0);
    }
    for (const file of ["model_index.json", "unet/config.json", "scheduler/scheduler_config.json"]) {
      const fieldsIn = (root: string) => {
        const { _diffusers_version, ...fields } = JSON.parse(readFileSync(join(root, file), "utf8"));
        return fields;
      };
      expect(fieldsIn(fixture("pipeline")), file).toMatchObject(fieldsIn(path));
    }
  });

  it("tells a student's noise level as a step", async () => {
    const { config, denoiser } = await readTeacher(fixture("pipeline"));
    const read = { config, module: denoiser, facts: denoiser.facts };
    const student = exportableModel(read, { kind: "denoiser", sigmaInit: 1, laterSigmas: [] });
    const { figures } = await exportFormats.diffusers.write(student, join(folder, "student"), options);
    // abar = 1 / (1 + sigma^2) = 1/2 lies between steps 258 and 259 of DDPM's linear schedule.
    expect(figures["timestep"]).toBeGreaterThan(258);
    expect(figures["timestep"]).toBeLessThan(259);
  });

  it("refuses networks and levels that diffusers does not have", async () => {
    const write = (input: DenoiserConfigInput) =>
      messageOf(() => exportFormats.diffusers.write(model(input), join(folder, "pipeline"), options));
    expect(await write(song)).toMatch(/only diffusers' networks \(unet-2d\) can be written, not song-unet/);
    const [downBlocks, upBlocks] = [["DownBlock2D" as const], ["UpBlock2D" as const]];
    const small = { imageResolution: 8, imageChannels: 3, blockChannels: [8], normalizationGroups: 4 };
    expect(await write({ network: "unet-2d", downBlocks, upBlocks, ...small })).toMatch(
      /a discrete schedule, not edm/,
    );
    expect(readdirSync(folder)).toEqual([]);
  });
});

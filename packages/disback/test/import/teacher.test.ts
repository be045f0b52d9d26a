import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { noGrad, readSafetensors, type Tensor } from "@disback/torch";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readTeacher } from "../../src/import/read-teacher.js";
import type { ReadTeacherOptions } from "../../src/import/teacher-source.js";
import { classCondition } from "../../src/models/condition.js";
import { loadModel } from "../../src/models/config.js";
import { importTeacher } from "../../src/runs/jobs/teacher-import.js";
import { silent } from "../../src/runs/progress.js";
import { relativeError } from "../models/fixtures.js";
import { fixture, fixtureBytes, messageOf } from "./fixtures.js";

const outputs = readSafetensors(fixture("outputs.safetensors")).tensors;
const stateConfig = { config: fixture("state-config.json") };

/** Largest relative difference from what the original gives. */
function difference(denoise: (x: Tensor, sigma: Tensor, labels?: Tensor) => Tensor, network: string): number {
  const value = (key: string) => outputs.get(`${network}/${key}`);
  const output = noGrad(() => denoise(value("x")!, value("sigma")!, value("labels")));
  return relativeError(output, value("output")!);
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disback-import-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("networks give what the original gives", () => {
  it.each<[file: string, network: string, key: string, options?: ReadTeacherOptions]>([
    ["edm-ddpmpp.pkl", "edm-ddpmpp", "ema"],
    ["ve-ncsnpp.pkl", "ve-ncsnpp", "ema"],
    ["vp-ddpmpp.pkl", "vp-ddpmpp", ""],
    ["iddpm-adm.pt", "iddpm-adm", "net"],
    ["state.pt", "edm-ddpmpp", "", stateConfig],
    ["nested.ckpt", "edm-ddpmpp", "state_dict", stateConfig],
    ["legacy.pth", "edm-ddpmpp", "", stateConfig],
    ["numpy.pkl", "edm-ddpmpp", "", stateConfig],
  ])("%s", async (file, network, key, options) => {
    const teacher = await readTeacher(fixture(file), options);
    const error = difference(
      (x, sigma, labels) => teacher.denoiser.denoise(x, sigma, classCondition(labels)),
      network,
    );
    expect(error).toBeLessThan(1e-4);
    expect(teacher.key).toBe(key);
    expect(teacher.denoiser.training).toBe(false);
  });

  it("half.bin: weights of half precision, without the preconditioning's prefix", async () => {
    const { denoiser } = await readTeacher(fixture("half.bin"), stateConfig);
    const error = difference(
      (x, sigma, labels) => denoiser.denoise(x, sigma, classCondition(labels)),
      "edm-ddpmpp",
    );
    expect(error).toBeLessThan(1e-2);
    expect(denoiser.parameters().every(({ dtype }) => dtype === "float32")).toBe(true);
  });
});

describe("what the file says", () => {
  it("configurations", async () => {
    const configs = [];
    for (const name of ["edm-ddpmpp.pkl", "ve-ncsnpp.pkl", "vp-ddpmpp.pkl", "iddpm-adm.pt"]) {
      configs.push((await readTeacher(fixture(name))).config);
    }
    const [edm, ve, vp, iddpm] = configs;
    expect(edm).toMatchObject({
      network: "song-unet",
      preconditioning: "edm",
      sigmaData: 0.6,
      labelDim: 3,
      augmentDim: 2,
    });
    expect(edm).not.toHaveProperty("sigmaMax");
    expect(ve).toMatchObject({
      preconditioning: "ve",
      sigmaMax: 80,
      embeddingType: "fourier",
      resampleFilter: [1, 3, 3, 1],
    });
    expect(vp).toMatchObject({
      preconditioning: "vp",
      betaSlope: 10,
      timesteps: 500,
      attentionResolutions: [8],
    });
    expect(iddpm).toMatchObject({
      network: "dhariwal-unet",
      preconditioning: "iddpm",
      timesteps: 30,
      labelDim: 2,
    });
  });

  it("wrappers' prefixes", async () => {
    expect(await readTeacher(fixture("nested.ckpt"), stateConfig)).toMatchObject({
      prefix: "module.",
      ignored: 0,
      notes: ["left out: epoch, lr"],
    });
  });
});

it("what else a pickle holds is named", async () => {
  const { notes } = await readTeacher(fixture("edm-ddpmpp.pkl"));
  expect(notes).toEqual(["left out: loss_fn, dataset_kwargs"]);
});

describe("errors name file and key", () => {
  const changed = (changes: object) => {
    const path = join(folder, "config.json");
    writeFileSync(
      path,
      JSON.stringify({ ...JSON.parse(readFileSync(stateConfig.config, "utf8")), ...changes }),
    );
    return { config: path };
  };

  it.each<[string, string, object | undefined, RegExp]>([
    ["no configuration", "state.pt", undefined, /state\.pt: \d+ tensors that do not identify.*--config/],
    ["another size", "state.pt", { modelChannels: 4 }, /state\.pt: \S+ has shape \[.*\] instead of \[/],
    [
      "more blocks",
      "state.pt",
      { blocksPerResolution: 2, channelMultipliers: [1] },
      /missing weights: model\./,
    ],
    ["fewer blocks", "state.pt", { attentionResolutions: [] }, /unexpected weights: model/],
    ["larger than the file", "state.pt", { modelChannels: 4096 }, /larger than the \d+ numbers in the file/],
    ["another filter", "state.pt", { resampleFilter: [1, 3] }, /resample_filter differs from resampleFilter/],
    [
      "absurd",
      "state.pt",
      { imageResolution: 2 ** 20 },
      /config\.json: imageResolution 1048576 is more than 1024/,
    ],
    [
      "fields of another preconditioning",
      "state.pt",
      { betaSlope: 3, timesteps: 10 },
      /config\.json: betaSlope: has no effect with the preconditioning "edm", only with vp; timesteps: /,
    ],
    ["another network", "state.pt", { network: "mlp" }, /config\.json: .*imageResolution/],
    ["no network", "values-4.pkl", undefined, /values-4\.pkl: holds no network.*only none, true/],
    ["shared dicts", "hostile-wide.pkl", undefined, /holds no network/],
    ["doubling", "hostile-doubling.pkl", undefined, /holds no network/],
    ["call", "hostile-system.pkl", undefined, /hostile-system\.pkl: refused.*posix\.system/],
  ])("%s", async (_, file, changes, message) => {
    const options = changes ? changed(changes) : {};
    expect(await messageOf(() => readTeacher(fixture(file), options))).toMatch(message);
  });

  it("unknown class", async () => {
    const path = join(folder, "other.pkl");
    const bytes = Buffer.from(fixtureBytes("edm-ddpmpp.pkl"))
      .toString("latin1")
      .replace("EDMPrecond", "XYZPrecond");
    writeFileSync(path, Buffer.from(bytes, "latin1"));
    expect(await messageOf(() => readTeacher(path))).toMatch(
      /other\.pkl: "ema": class XYZPrecond is not a network/,
    );
  });

  it("an attribute that is not known", async () => {
    const path = join(folder, "other.pkl");
    const bytes = Buffer.from(fixtureBytes("edm-ddpmpp.pkl")).toString("latin1");
    writeFileSync(path, Buffer.from(bytes.replace("sigma_data", "sigma_datb"), "latin1"));
    expect(await messageOf(() => readTeacher(path))).toMatch(/unknown attribute sigma_datb/);
  });

  it("--ema", async () => {
    const message = await messageOf(() =>
      readTeacher(fixture("nested.ckpt"), { ...stateConfig, ema: "ema" }),
    );
    expect(message).toMatch(/no network under "ema".*state_dict/);
  });

  it("a configuration that is none", async () => {
    const config = join(folder, "none.json");
    expect(await messageOf(() => readTeacher(fixture("state.pt"), { config }))).toContain(
      "none.json: no such file",
    );
    writeFileSync(config, "{{{");
    expect(await messageOf(() => readTeacher(fixture("state.pt"), { config }))).toContain("none.json");
  });
});

describe("import", () => {
  const options = () => ({
    out: join(folder, "teacher"),
    samples: 5,
    steps: 2,
    seed: 0,
    device: "cpu" as const,
    force: false,
    progress: silent,
  });

  it("writes a model folder with a grid", async () => {
    const imported = await importTeacher(fixture("edm-ddpmpp.pkl"), options());
    expect(imported).toMatchObject({ className: "EDMPrecond", key: "ema", others: [], format: "pickle" });
    expect(readdirSync(imported.folder).sort()).toEqual(["config.json", "grid.png", "model.safetensors"]);
    const { denoiser } = loadModel(imported.folder);
    expect(
      difference((x, sigma, labels) => denoiser.denoise(x, sigma, classCondition(labels)), "edm-ddpmpp"),
    ).toBeLessThan(1e-4);
    expect(readdirSync(folder)).toEqual(["teacher"]);
    expect(await messageOf(() => readTeacher(imported.folder))).toMatch(
      /model folder of disback needs no import/,
    );
  });

  it("keeps what is there", async () => {
    mkdirSync(join(folder, "teacher"));
    writeFileSync(join(folder, "teacher", "mine"), "");
    expect(await messageOf(() => importTeacher(fixture("vp-ddpmpp.pkl"), options()))).toContain(
      "already there",
    );
    await importTeacher(fixture("vp-ddpmpp.pkl"), { ...options(), force: true, samples: 0 });
    expect(readdirSync(join(folder, "teacher.old-1"))).toEqual(["mine"]);
    expect(readdirSync(join(folder, "teacher")).sort()).toEqual(["config.json", "model.safetensors"]);
  });

  it("writes nothing when anything is wrong", async () => {
    await messageOf(() => importTeacher(fixture("hostile-eval.pkl"), options()));
    const broken = {
      ...options(),
      steps: 1,
      samples: 1,
      progress: {
        ...silent,
        start: () => {
          throw new Error("stop");
        },
      },
    };
    await expect(importTeacher(fixture("edm-ddpmpp.pkl"), broken)).rejects.toThrow("stop");
    expect(readdirSync(folder)).toEqual([]);
  });
});

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadGenerator, NormalStream, type OnnxGenerator, toPng } from "@disback/generate";
import { Generator, inferenceMode, randn, tensor } from "@disback/torch";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { toUint8Images } from "../../disback/src/data/output/uint8-images.js";
import { exportableModel } from "../../disback/src/export/exportable.js";
import { exportOnnx } from "../../disback/src/export/onnx/export-onnx.js";
import {
  createDenoiser,
  type DenoiserConfigInput,
  parseDenoiserConfig,
} from "../../disback/src/models/config.js";
import { heun } from "../../disback/src/models/samplers.js";
import { studentDrawer } from "../../disback/src/runs/sample-drawer.js";

const config: DenoiserConfigInput = {
  network: "song-unet",
  imageResolution: 8,
  imageChannels: 3,
  modelChannels: 8,
  channelMultipliers: [1],
  blocksPerResolution: 1,
  labelDim: 3,
};
const complete = parseDenoiserConfig(config);
const denoiser = createDenoiser(config, { generator: new Generator(1) }).eval();
const model = { module: denoiser, facts: denoiser.facts, config: complete };
const kind = { kind: "denoiser" as const, sigmaInit: 2.5, laterSigmas: [] };
let student: OnnxGenerator;
let teacher: OnnxGenerator;

beforeAll(async () => {
  inferenceMode(() => {
    for (const weight of denoiser.parameters()) weight.add_(randn(weight.shape).mul(0.05));
  });
  student = await loadGenerator(exportOnnx(exportableModel(model, kind)), { threads: 1 });
  teacher = await loadGenerator(exportOnnx(exportableModel(model)), { threads: 1 });
});
afterAll(() => Promise.all([student.dispose(), teacher.dispose()]));

test("random numbers are libtorch's", () => {
  const streams = [
    [0, 16],
    [7, 40],
    [2 ** 40 + 5, 3072],
  ] as const;
  for (const [seed, count] of streams) {
    const [torch, ours] = [new Generator(seed), new NormalStream(seed)];
    for (let round = 0; round < 2; round++) {
      const expected = randn([count], { generator: torch }).data() as Float32Array;
      const numbers = ours.normal(count);
      for (const [index, value] of expected.entries()) expect(numbers[index]).toBeCloseTo(value, 5);
    }
  }
});

test("a seed gives the images that disback sample draws from it", async () => {
  const { student: ours } = exportableModel(model, kind);
  const drawer = studentDrawer(ours!, { seed: 3, device: "cpu" });
  const expected = [drawer.draw(4), drawer.draw(1)].map(({ samples }) => toUint8Images(samples).data);
  const images = await student.generate({ count: 5, seed: 3, batchSize: 4 });
  expect(images).toMatchObject({ count: 5, width: 8, height: 8, channels: 3, labels: [0, 1, 2, 0, 1] });
  const reference = Buffer.concat(expected);
  expect(images.pixels.length).toBe(reference.length);
  for (const [index, value] of reference.entries())
    expect(Math.abs(images.pixels[index]! - value)).toBeLessThan(2);
});

test("a chosen class, and PNG files", async () => {
  const one = await student.generate({ count: 2, label: 2, seed: 1 });
  expect(one.labels).toEqual([2, 2]);
  const { data, info } = await sharp(await toPng(one, 1))
    .raw()
    .toBuffer({ resolveWithObject: true });
  expect([info.width, info.height, info.channels]).toEqual([8, 8, 3]);
  expect(new Uint8Array(data)).toEqual(one.pixels.slice(8 * 8 * 3));
});

test("a teacher's sampler gives what ours gives", async () => {
  const latents = randn([2, 3, 8, 8], { generator: new Generator(5) });
  const labels = tensor([
    [1, 0, 0],
    [0, 1, 0],
  ]);
  const condition = { class: labels };
  const expected = heun(denoiser, latents, { steps: 4, condition }).data() as Float32Array;
  const values = await teacher.fromLatents(latents.data() as Float32Array, [0, 1], { steps: 4 });
  for (const [index, value] of expected.entries()) expect(values[index]).toBeCloseTo(value, 3);
});

test("wrong options are named", async () => {
  await expect(student.generate({ label: 3 })).rejects.toThrow("this model's classes are 0 to 2");
  await expect(student.generate({ count: 0 })).rejects.toThrow(
    "count: 0 is not a whole number of at least 1",
  );
  await expect(student.generate({ seed: -1 })).rejects.toThrow("seed");
  const misspelt = { coutn: 9 } as object;
  await expect(student.generate(misspelt)).rejects.toThrow(
    "coutn: there is no such option; known are count, seed, label, prompt, batchSize, steps, sigmaMin, sigmaMax, rho",
  );
  await expect(loadGenerator("x.onnx", { thread: 1 } as object)).rejects.toThrow(
    "thread: there is no such option",
  );
  await expect(student.fromLatents(new Float32Array(5))).rejects.toThrow(
    "5 numbers are not a whole number of samples of 192",
  );
  await expect(student.denoise(new Float32Array(192), 1, [0])).rejects.toThrow("this model is a student");
});

test("nothing in the package reaches for a training stack", () => {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const { dependencies } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
  const allowed = new Set([...Object.keys(dependencies), "node:fs/promises", "node:module"]);
  expect(Object.keys(dependencies).filter((name) => /disback|torch/.test(name))).toEqual([]);
  for (const file of readdirSync(`${root}/src`)) {
    const source = readFileSync(`${root}/src/${file}`, "utf8");
    for (const [, name] of source.matchAll(/from "([^".][^"]*)"/g)) {
      const known = allowed.has(name!) || allowed.has(name!.split("/").slice(0, 2).join("/"));
      expect(known, `${file} imports ${name}`).toBe(true);
    }
  }
});

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  arange,
  cat,
  full,
  type Module,
  noGrad,
  type Tensor,
  tensor,
  writeSafetensors,
} from "@disback/torch";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clipStructure, openClipTensors } from "../../src/import/single-file/clip-keys.js";
import { openSingleFile } from "../../src/import/single-file/open-single-file.js";
import { sections } from "../../src/import/single-file/sections.js";
import { pipelinePath } from "./fixtures.js";

type Part = "unet" | "vae" | "clip" | "openClip";
interface Layout {
  /** shapes of the original's tensors */
  keys: Record<string, number[]>;
  /** which of them each of diffusers' became; "#1" is a third of it, "#T" it transposed */
  became: Record<Part, Record<string, string>>;
}

const layouts = JSON.parse(readFileSync(pipelinePath("single-files.json"), "utf8")) as Record<string, Layout>;
const tokenizer = fileURLToPath(new URL("../fixtures/text/clip", import.meta.url));
let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), "disback-single-"));
  for (const [version, { keys }] of Object.entries(layouts)) {
    writeSafetensors(join(place, `${version}.safetensors`), contentsOf(keys));
  }
});
afterAll(() => rmSync(place, { recursive: true }));
const file = (name: string) => join(place, `${name}.safetensors`);

/** Every tensor is filled with its own number; thirds of joined ones differ, transposed ones count. */
function contentsOf(keys: Record<string, number[]>): Map<string, Tensor> {
  return new Map(
    Object.entries(keys).map(([key, shape], number) => {
      if (key.endsWith("text_projection"))
        return [
          key,
          arange(0, shape[0]! * shape[1]!)
            .float()
            .reshape(shape),
        ];
      // As many as the tokenizer has.
      if (key.endsWith("token_embedding.weight")) return [key, full([810, shape[1]!], number)];
      if (!/in_proj_/.test(key)) return [key, full(shape, number)];
      const third = [shape[0]! / 3, ...shape.slice(1)];
      return [key, cat([0, 0.25, 0.5].map((part) => full(third, number + part)))];
    }),
  );
}

function without(contents: Map<string, Tensor>, start: string): void {
  for (const key of [...contents.keys()]) if (key.startsWith(start)) contents.delete(key);
}

/** The number that a tensor is filled with. */
function numberIn(value: Tensor): number {
  const [least, most] = [value.min().item(), value.max().item()];
  expect(least).toBe(most);
  return least;
}

function expectFilled(module: Module, { keys, became }: Layout, part: Part): void {
  const numbers = new Map(Object.keys(keys).map((key, number) => [key, number]));
  const given = Object.entries(became[part]).filter(([key]) => !key.endsWith("position_ids"));
  const state = module.stateDict();
  expect(new Set(state.keys())).toEqual(new Set(given.map(([key]) => key)));
  for (const [key, from] of given) {
    const [name, piece] = from.split("#") as [string, string?];
    if (piece === "T") continue;
    expect(numberIn(state.get(key)!), key).toBe(numbers.get(name)! + 0.25 * Number(piece ?? 0));
  }
}

describe("single files of Stable Diffusion", () => {
  it.each(["sd1", "sd2", "sdxl"])(
    "%s: every tensor goes where diffusers' conversion puts it",
    async (version) => {
      const layout = layouts[version]!;
      const pipeline = await openSingleFile(file(version), { prediction: "epsilon", tokenizer });
      expect(pipeline.unused).toEqual([]);
      expectFilled(pipeline.network.module, layout, "unet");
      expectFilled(pipeline.autoencoder, layout, "vae");
      const prompts = (await pipeline.openPrompts()) as unknown as Record<string, unknown>;
      const encoders = version === "sdxl" ? (prompts["pairs"] as { encoder: Module }[]) : [prompts as never];
      const parts = version === "sd1" ? ["clip"] : version === "sd2" ? ["openClip"] : ["clip", "openClip"];
      for (const [index, part] of parts.entries()) {
        expectFilled((encoders[index] as { encoder: Module }).encoder, layout, part as Part);
      }
    },
  );

  it("SDXL: the projection is transposed, as text_projection is applied from the right", () => {
    const { keys } = layouts["sdxl"]!;
    const { openClip } = sections(contentsOf(keys), "x");
    const projection = openClipTensors(openClip, { penultimate: false }).get("text_projection.weight")!;
    const side = projection.shape[0]!;
    expect(projection.select(0, 1).toArray()).toEqual(
      Array.from({ length: side }, (_, row) => row * side + 1),
    );
  });

  it("Stable Diffusion 2 leaves out the last layer and the projection", () => {
    const { keys } = layouts["sd2"]!;
    const tensors = openClipTensors(sections(contentsOf(keys), "x").openClip, { penultimate: true });
    expect(clipStructure(tensors, "gelu")).toMatchObject({
      layers: 2,
      channels: 64,
      projectionChannels: null,
    });
  });

  it("runs, with what the versions differ in", async () => {
    const sd1 = await openSingleFile(file("sd1"));
    expect(sd1.schedule).toMatchObject({
      prediction: "epsilon",
      betaSchedule: "scaled-linear",
      betaEnd: 0.012,
    });
    expect(sd1.network.sampleShape).toEqual([4, 64, 64]);
    expect((await openSingleFile(file("sd2"), { prediction: "v" })).network.sampleShape).toEqual([4, 96, 96]);
    const sdxl = await openSingleFile(file("sdxl"));
    if (sdxl.network.kind !== "unet-2d-condition") throw new Error(sdxl.network.kind);
    const { module } = sdxl.network;
    const told = { text: full([1, 3, 12], 0.1), pooled: full([1, 10], 1), sizes: full([1, 6], 8) };
    const output = noGrad(() => module.forward(full([1, 4, 4, 4], 0.5), tensor([3]), told));
    expect(output.shape).toEqual([1, 4, 4, 4]);
  });

  it("names what it does not use, and reads the marks of a velocity", async () => {
    const { keys } = layouts["sdxl"]!;
    const path = file("marked");
    const others = {
      v_pred: [],
      ztsnr: [],
      alphas_cumprod: [4],
      "model_ema.decay": [],
      "model_ema.x": [2],
      extra: [1],
    };
    writeSafetensors(path, contentsOf({ ...keys, ...others }));
    const pipeline = await openSingleFile(path);
    expect(pipeline.schedule).toMatchObject({ prediction: "v", zeroTerminalSnr: true });
    expect(pipeline.unused).toEqual(["extra", "model_ema.* (2 tensors)"]);
  });

  it.each<[string, string, (contents: Map<string, Tensor>) => void, string]>([
    ["no U-Net", "sd1", (c) => without(c, "model."), "no checkpoint of"],
    [
      "a U-Net's key",
      "sd1",
      (c) => c.set("model.diffusion_model.extra.weight", full([1], 0)),
      "extra.weight is unknown",
    ],
    ["no autoencoder", "sd1", (c) => without(c, "first_stage_model."), "no autoencoder"],
    [
      "a missing weight",
      "sd1",
      (c) => c.delete("model.diffusion_model.out.2.bias"),
      "missing weights: conv_out.bias",
    ],
    ["an unknown kind of SD 2", "sd2", () => {}, "say which by --prediction epsilon or v"],
  ])("refuses %s", async (_, version, spoil, problem) => {
    const contents = contentsOf(layouts[version]!.keys);
    spoil(contents);
    writeSafetensors(file("spoilt"), contents);
    await expect(openSingleFile(file("spoilt"))).rejects.toThrow(problem);
  });

  it("asks for a tokenizer", async () => {
    const pipeline = await openSingleFile(file("sd1"));
    await expect(pipeline.openPrompts()).rejects.toThrow("a single file holds no tokenizer");
  });
});

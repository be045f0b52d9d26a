import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { full, readSafetensors } from "@disback/torch";
import { afterAll, describe, expect, it } from "vitest";
import { openClip } from "../../src/import/transformers/open-clip.js";
import { ClipScore } from "../../src/metrics/clip-score.js";
import { relativeError } from "../models/fixtures.js";

const folder = fileURLToPath(new URL("../fixtures/metrics/clip", import.meta.url));
const { tensors } = readSafetensors(`${folder}.safetensors`);
const prompts = ["a photo of a cat", "two dogs", "ΟΔΟΣ 龍 😀", ""];
const place = mkdtempSync(join(tmpdir(), "disback-clip-"));
afterAll(() => rmSync(place, { recursive: true }));

/** Bytes `[N, H, W, C]` as our pictures. */
const pictures = (side: number) =>
  tensors.get(`pictures${side}`)!.permute([0, 3, 1, 2]).float().sub(127.5).div(127.5);

describe("the CLIP score", () => {
  it.each([12, 16, 8, 31])("of pictures of side %i is that of transformers", async (side) => {
    const score = new ClipScore(await openClip(folder));
    expect(relativeError(score.promptVectors(prompts), tensors.get("told")!)).toBeLessThan(1e-5);
    expect(relativeError(score.pictureVectors(pictures(side)), tensors.get(`seen${side}`)!)).toBeLessThan(
      1e-5,
    );
    score.add(pictures(side).narrow(0, 0, 3), prompts.slice(0, 3));
    score.add(pictures(side).narrow(0, 3, 1), prompts.slice(3));
    expect(score.score).toBeCloseTo(tensors.get(`score${side}`)!.mean().item(), 3);
  });

  it("takes grey pictures, and counts prompts that are too long", async () => {
    const score = new ClipScore(await openClip(folder));
    const grey = score.pictureVectors(full([1, 1, 16, 16], 0.3));
    expect(relativeError(grey, score.pictureVectors(full([1, 3, 16, 16], 0.3)))).toBe(0);
    score.add(full([1, 1, 16, 16], 0.3), ["many words ".repeat(30)]);
    expect(score.cut).toBe(1);
    expect(() => score.add(full([1, 3, 16, 16], 0), [])).toThrow("1 pictures, but 0 prompts");
    expect(() => score.pictureVectors(full([1, 3, 16, 8], 0))).toThrow("takes square pictures");
  });

  it.each<[string, (copy: string) => void, string]>([
    ["no CLIP", (copy) => change(copy, "config.json", { model_type: "bert" }), '"model_type" is not "clip"'],
    ["no tokenizer", (copy) => rmSync(join(copy, "vocab.json")), "no tokenizer: there is no tokenizer.json"],
    [
      "another size",
      (copy) => change(copy, "preprocessor_config.json", { size: { shortest_edge: 16 } }),
      'preprocessor_config.json: "size": must be 12, the side of the encoder\'s pictures',
    ],
    [
      "another resampling",
      (copy) => change(copy, "preprocessor_config.json", { resample: 2 }),
      '"resample": 2 is not supported, only 3',
    ],
    ["no preprocessor", (copy) => rmSync(join(copy, "preprocessor_config.json")), "preprocessor_config.json"],
  ])("%s is told", async (name, spoil, problem) => {
    const copy = join(place, name);
    cpSync(folder, copy, { recursive: true });
    spoil(copy);
    await expect(openClip(copy)).rejects.toThrow(problem);
  });

  it("reads configurations of before transformers 4.30, which say more", async () => {
    const copy = join(place, "old");
    cpSync(folder, copy, { recursive: true });
    const { text_config, vision_config } = JSON.parse(readFileSync(join(copy, "config.json"), "utf8"));
    const more = { top_k: 50, do_sample: false, num_beams: 1, torchscript: false, pruned_heads: {} };
    change(copy, "config.json", {
      text_config: { ...text_config, ...more, eos_token_id: 2 },
      vision_config: { ...vision_config, ...more },
    });
    const score = new ClipScore(await openClip(copy));
    expect(relativeError(score.promptVectors(prompts), tensors.get("told")!)).toBeLessThan(1e-5);
  });
});

function change(folder: string, file: string, fields: object): void {
  const path = join(folder, file);
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), ...fields }));
}

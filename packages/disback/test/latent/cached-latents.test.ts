import { mkdtempSync, readdirSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fromTypedArray, readSafetensors, type Tensor } from "@disback/torch";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { openDataset } from "../../src/data/dataset.js";
import { writePngFolder } from "../../src/data/output/png.js";
import { readAutoencoder } from "../../src/import/read-autoencoder.js";
import { latentCodec } from "../../src/models/autoencoder/latent-codec.js";
import { loadAutoencoder, saveAutoencoder } from "../../src/models/autoencoder/storage.js";
import { asLatents, putEncoderAway } from "../../src/runs/latent-data.js";
import { relativeError } from "../models/fixtures.js";

const pipeline = fileURLToPath(new URL("../fixtures/diffusers/dit", import.meta.url));
const { tensors: outputs } = readSafetensors(join(pipeline, "outputs.safetensors"));
const pictures = outputs.get("images")!;

let base: string;
beforeAll(async () => {
  base = mkdtempSync(join(tmpdir(), "disback-latents-"));
  vi.stubEnv("XDG_CACHE_HOME", join(base, "cache"));
  await writePngFolder(join(base, "images"), pictures, 0);
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

/** The pictures as latents, with an autoencoder of their own. */
async function latentsOf() {
  const autoencoder = await readAutoencoder(join(pipeline, "vae"), { device: "cpu" });
  const side = pictures.shape[2]!;
  const [, channels, height, width] = autoencoder.encode(pictures).shape as [number, number, number, number];
  const codec = latentCodec(autoencoder, [channels, height, width], "vae");
  const images = await openDataset(join(base, "images"), { resolution: side, channels: 3 });
  const latents = asLatents(images, { codec, shape: [channels, height, width], name: "vae", device: "cpu" });
  return { autoencoder, latents, images };
}

const everything = (count: number) => Array.from({ length: count }, (_, index) => index);

it("pictures are encoded once: another run finds their latents, bit for bit", async () => {
  const first = await latentsOf();
  const indices = everything(first.latents.length);
  const { samples } = await first.latents.read(indices);
  expect(first.latents.encoded).toBe(indices.length);
  const second = await latentsOf();
  const encode = vi.spyOn(second.autoencoder, "encode");
  expect((await second.latents.read(indices)).samples).toEqual(samples);
  expect(encode).not.toHaveBeenCalled();
  // They are the autoencoder's.
  const { samples: shown } = await second.images.batch(indices);
  const expected = second.autoencoder.encode(shown);
  expect(relativeError(fromTypedArray(samples, expected.shape), expected)).toBeLessThan(1e-5);
});

it("work that was stopped goes on where it was", async () => {
  rmSync(join(base, "cache"), { recursive: true, force: true });
  const stopped = await latentsOf();
  await stopped.latents.read([0]);
  const resumed = await latentsOf();
  await resumed.latents.read(everything(resumed.latents.length));
  expect(resumed.latents.encoded).toBe(resumed.latents.length - 1);
});

it("a damaged file is named", async () => {
  const folder = join(base, "cache", "disback", "latents");
  const file = (readdirSync(folder, { recursive: true }) as string[]).find((name) => name.endsWith(".f32"))!;
  truncateSync(join(folder, file), 4);
  const { latents } = await latentsOf();
  await expect(latents.read(everything(latents.length))).rejects.toThrow(
    `${join(folder, file)}: damaged; delete it, and it is made again`,
  );
});

it("an encoder that is put away is still saved, and encodes as before", async () => {
  const { autoencoder } = await latentsOf();
  const before = autoencoder.encode(pictures);
  const [, weight] = [...autoencoder.stateDict()].find(([key]) => key.startsWith("encoder.")) as [
    string,
    Tensor,
  ];
  const { address } = weight;
  putEncoderAway(autoencoder);
  expect(weight.address).not.toBe(address);
  expect(autoencoder.encode(pictures).sub(before).abs().max().item()).toBe(0);
  saveAutoencoder(join(base, "saved"), autoencoder);
  const again = loadAutoencoder(join(base, "saved"));
  expect(again.encode(pictures).sub(before).abs().max().item()).toBe(0);
});

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Generator, inferenceMode, randn } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { readGan } from "../../src/import/gan/read-gan.js";

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/import/${name}`, import.meta.url));

describe("a DCGAN's checkpoint, as PyTorch wrote it", () => {
  it("gives the sizes, and the samples of PyTorch", async () => {
    const { generator, config } = await readGan(fixture("gan.tar"));
    expect(config).toMatchObject({
      network: "dcgan",
      latentSize: 6,
      modelChannels: 2,
      imageResolution: 32,
      imageChannels: 3,
    });
    const samples = inferenceMode(() => generator.generate(randn([2, 6], { generator: new Generator(7) })));
    const wanted = JSON.parse(readFileSync(fixture("gan.json"), "utf8")) as number[];
    const made = (samples.flatten().toArray() as number[]).filter((_, index) => index % 97 === 0);
    for (const [index, value] of made.entries()) expect(value).toBeCloseTo(wanted[index]!, 5);
    expect(made.length).toBe(wanted.length);
  });

  it("a network of another kind is refused", async () => {
    await expect(readGan(fixture("iddpm-adm.pt"))).rejects.toThrow(
      "no generator of a DCGAN (there is no main.0.weight)",
    );
  });
});

import { Generator, gradient, tensor } from "@disback/torch";
import { describe, expect, it } from "vitest";
import { classCondition } from "../../src/models/condition.js";
import { createDenoiser } from "../../src/models/config.js";
import { fill, readCases, relativeError } from "./fixtures.js";

for (const file of ["song-unet", "dhariwal-unet", "preconditionings"]) {
  const { cases, value } = readCases(file);
  describe(`${file} beside the original`, () => {
    it.each(cases)("$name: keys, output and gradients", (of) => {
      const denoiser = createDenoiser(of.config, { generator: new Generator(0) }).eval();
      const shapes = Object.fromEntries([...denoiser.stateDict()].map(([key, { shape }]) => [key, shape]));
      expect(shapes).toEqual(of.keys);

      for (const [key, buffer] of denoiser.namedBuffers()) {
        const original = value(of, `buffer.${key}`)!;
        // Fourier frequencies are random; the others follow from the configuration.
        if (key.endsWith("freqs")) buffer.copy_(original);
        else expect(relativeError(buffer, original), key).toBeLessThan(1e-6);
      }
      fill(denoiser, of.seed);

      const x = value(of, "x")!.clone().requiresGrad_();
      const output = denoiser.denoise(
        x,
        value(of, "sigma")!,
        classCondition(value(of, "labels")),
        value(of, "augment"),
      );
      expect(relativeError(output, value(of, "output")!)).toBeLessThan(1e-5);

      const named = denoiser.namedParameters().sort(([a], [b]) => (a < b ? -1 : 1));
      const [input, ...weights] = gradient([output], [x, ...named.map(([, parameter]) => parameter)], {
        gradOutputs: [value(of, "cotangent")!],
        allowUnused: true,
      });
      expect(relativeError(input!, value(of, "gradient")!)).toBeLessThan(1e-5);
      const norms = tensor(weights.map((one) => one?.norm().item() ?? 0));
      expect(relativeError(norms, value(of, "norms")!)).toBeLessThan(1e-5);
    });
  });
}

import {
  type Device,
  Generator,
  memoryStatistics,
  noGrad,
  randn,
  resetPeakMemory,
  scope,
  type Tensor,
  tensor,
  whyNoCuda,
} from "@disback/torch";
import { describe, expect, it, test } from "vitest";
import { Backtracking } from "../../src/distill/backtrack.js";
import { DenoiserStudent } from "../../src/distill/denoiser-student.js";
import { LowRankDenoiser } from "../../src/models/adapters/low-rank-denoiser.js";
import { type Computation, computing } from "../../src/models/computation.js";
import { createDenoiser, type DenoiserConfigInput } from "../../src/models/config.js";
import type { PreconditionedDenoiser } from "../../src/models/preconditioning/preconditioned.js";
import { openDenoiser } from "../../src/runs/open-model.js";
import { fill, relativeError } from "./fixtures.js";

// The same checks on every device there is, against plain f32 on the CPU.
const absence = whyNoCuda();
const devices: Device[] = absence ? ["cpu"] : ["cpu", "cuda"];
test("devices", () => {
  if (absence) console.log(`CUDA: not run, ${absence}`);
  expect(devices).toContain("cpu");
});

const plain: Computation = { precision: "f32", memoryFormat: "contiguous", activationCheckpointing: false };
const unet = { imageResolution: 8, imageChannels: 3, modelChannels: 32, blocksPerResolution: 1 } as const;
const networks: Record<string, DenoiserConfigInput> = {
  "song-unet": { network: "song-unet", ...unet, channelMultipliers: [1, 2], attentionResolutions: [4] },
  "dhariwal-unet": {
    network: "dhariwal-unet",
    ...unet,
    channelMultipliers: [1, 2],
    attentionResolutions: [4],
  },
  "unet-2d": {
    network: "unet-2d",
    imageResolution: 8,
    imageChannels: 3,
    blockChannels: [32, 64],
    downBlocks: ["DownBlock2D", "AttnDownBlock2D"],
    upBlocks: ["AttnUpBlock2D", "UpBlock2D"],
    layersPerBlock: 1,
  },
  dit: {
    network: "dit",
    imageResolution: 8,
    imageChannels: 3,
    patchSize: 2,
    heads: 2,
    channelsPerHead: 16,
    layers: 3,
  },
};

function make(config: DenoiserConfigInput, device: Device, how: Partial<Computation>) {
  const denoiser = createDenoiser(config, { generator: new Generator(0) }).eval();
  fill(denoiser, 3);
  return computing(denoiser.to({ device }), { ...plain, ...how });
}

/** Output, and the gradients of input and weights, on the CPU. */
function pass(denoiser: PreconditionedDenoiser, device: Device): { output: Tensor; gradients: Tensor[] } {
  const generator = new Generator(7);
  const draw = () => randn([3, 3, 8, 8], { generator }).to({ device });
  const x = draw().requiresGrad_();
  const output = denoiser.denoise(x, tensor([0.1, 1, 4], { device }));
  output.mul(draw()).sum().backward();
  const gradients = [x, ...denoiser.parameters()].map(({ grad }) => grad!.to({ device: "cpu" }));
  return { output: output.detach().to({ device: "cpu" }), gradients };
}

function largestError(of: Tensor[], from: Tensor[]): number {
  // Relative to the largest gradient of all: some are zero but for rounding.
  const largest = Math.max(...from.map((one) => one.abs().max().item()));
  return Math.max(...of.map((one, i) => one.sub(from[i]!).abs().max().item())) / largest;
}

describe.each(devices)("on %s", (device) => {
  describe.each(Object.entries(networks))("%s", (_, config) => {
    const reference = pass(make(config, "cpu", {}), "cpu");

    it.each([
      ["plain", {}],
      ["channels-last", { memoryFormat: "channels-last" }],
      ["checkpointed", { activationCheckpointing: true }],
      ["both", { memoryFormat: "channels-last", activationCheckpointing: true }],
    ] as const)("%s gives the CPU's output and gradients", (_, how) => {
      const found = pass(make(config, device, how), device);
      expect(relativeError(found.output, reference.output)).toBeLessThan(1e-5);
      expect(largestError(found.gradients, reference.gradients)).toBeLessThan(1e-5);
    });

    it("checkpointing changes no bit of the output, and gradients by rounding at most", () => {
      const kept = pass(make(config, device, {}), device);
      const found = pass(make(config, device, { activationCheckpointing: true }), device);
      expect(found.output.data()).toEqual(kept.output.data());
      // A skip connection's gradient is a sum, added in another order.
      expect(largestError(found.gradients, kept.gradients)).toBeLessThan(1e-6);
    });

    it.each([false, true])("bf16 is near f32, its gradients too (checkpointing: %s)", (checkpointing) => {
      const how = { precision: "bf16", activationCheckpointing: checkpointing } as const;
      const found = pass(make(config, device, how), device);
      expect(found.output.dtype).toBe("float32");
      const error = relativeError(found.output, reference.output);
      expect(error).toBeLessThan(0.03);
      // Else nothing was computed in half precision.
      expect(error).toBeGreaterThan(1e-4);
      expect(largestError(found.gradients, reference.gradients)).toBeLessThan(0.1);
    });

    it("checkpointing takes less memory", () => {
      const peak = (activationCheckpointing: boolean) =>
        scope(() => {
          const denoiser = make(config, device, { activationCheckpointing }).requiresGrad_(false);
          const x = randn([32, 3, 8, 8], { generator: new Generator(1) }).to({ device });
          const before = memoryStatistics(device).live;
          resetPeakMemory(device);
          denoiser
            .denoise(x.requiresGrad_(), tensor([1], { device }))
            .sum()
            .backward();
          return memoryStatistics(device).peak - before;
        });
      expect(peak(true) / peak(false)).toBeLessThan(0.75);
    });
  });

  it("a step of Diff-Instruct on the Fashion-MNIST network moves its weights as on the CPU", async () => {
    const [here, there] = await Promise.all([device, "cpu" as const].map((where) => diffInstructStep(where)));
    expect(relativeError(here!.samples, there!.samples)).toBeLessThan(1e-5);
    expect(largestError(here!.gradients, there!.gradients)).toBeLessThan(1e-4);
  });

  it("a batch in parts gives the same step in less memory", () => {
    const step = (microBatch?: number) => {
      const config = { ...networks["song-unet"]!, dropout: 0 } as DenoiserConfigInput;
      const teacher = make(config, device, {}).requiresGrad_(false);
      const student = new DenoiserStudent(teacher.clone(), { sigmaInit: 2.5 });
      const work = new Backtracking({ teacher, student, batchSize: 32, execution: { microBatch, seed: 1 } });
      const before = memoryStatistics(device).live;
      resetPeakMemory(device);
      // In the first step the auxiliary model is still the teacher, and there is no gap.
      work.step();
      const figures = work.step();
      work.dispose();
      return { figures, peak: memoryStatistics(device).peak - before };
    };
    const [whole, parts] = [step(), step(4)];
    for (const name of ["loss", "gap", "mismatch", "gradientNorm"] as const)
      expect(parts.figures[name] / whole.figures[name], name).toBeCloseTo(1, 3);
    expect(parts.peak / whole.peak).toBeLessThan(0.4);
  });

  it.each([
    ["f32", {}],
    ["bf16, channels-last", { precision: "bf16", memoryFormat: "channels-last" }],
  ] as const)("captured steps are the plain ones: %s", (_, how) => {
    const train = (capture: boolean) => {
      const teacher = make(networks["song-unet"]!, device, how).requiresGrad_(false);
      const student = new DenoiserStudent(teacher.clone(), { sigmaInit: 2.5 });
      const work = new Backtracking({ teacher, student, batchSize: 2, execution: { seed: 1, capture } });
      const figures = Array.from({ length: 5 }, () => work.step());
      work.dispose();
      return figures;
    };
    const [plain, captured] = [train(false), train(true)];
    // A GPU adds some gradients up in another order each time; dropout and noise would differ by far more.
    for (const [step, figures] of captured.entries())
      for (const name of ["loss", "gap", "mismatch", "gradientNorm"] as const)
        expect(figures[name] / plain[step]![name], `${name} of step ${step}`).toBeCloseTo(1, 2);
  });

  it.each([
    ["bf16", { precision: "bf16" }],
    ["channels-last", { memoryFormat: "channels-last" }],
    ["checkpointed", { activationCheckpointing: true }],
  ] as const)("backtracking trains with %s", (_, how) => {
    const teacher = make(networks["song-unet"]!, device, how).requiresGrad_(false);
    const student = new DenoiserStudent(teacher.clone(), { sigmaInit: 2.5 });
    const work = new Backtracking({ teacher, student, iterations: 2, batchSize: 4, execution: { seed: 1 } });
    const figures = [work.step(), work.step()];
    for (const { loss, gradientNorm } of figures)
      expect([Number.isFinite(loss), gradientNorm > 0]).toEqual([true, true]);
    // It can be saved and taken up again: moments keep the weights' layout.
    const resumed = new Backtracking({
      teacher,
      student,
      iterations: 4,
      batchSize: 4,
      execution: { seed: 1 },
    });
    resumed.loadState(work.state());
    expect(Number.isFinite(resumed.step().loss)).toBe(true);
    work.dispose();
  });
});

test("a denoiser with low-rank adapters gives their gradients also if its base checkpoints", () => {
  const gradients = (activationCheckpointing: boolean) => {
    const base = make(networks["song-unet"]!, "cpu", { activationCheckpointing });
    const adapted = new LowRankDenoiser(base, { generator: new Generator(2) });
    const x = randn([2, 3, 8, 8], { generator: new Generator(4) });
    adapted
      .denoise(x, tensor([1]))
      .square()
      .sum()
      .backward();
    return adapted.parameters().map(({ grad }) => grad!.data());
  };
  const [again, kept] = [gradients(true), gradients(false)];
  // Sums of gradients come in another order.
  for (const [index, expected] of kept.entries()) {
    const differences = [...expected].map((value, place) =>
      Math.abs(Number(again[index]![place]) - Number(value)),
    );
    expect(Math.max(...differences)).toBeLessThan(1e-4);
  }
});

/** Diff-Instruct's gradient written out: the student's samples, and the gradients of its weights. */
async function diffInstructStep(device: Device): Promise<{ samples: Tensor; gradients: Tensor[] }> {
  const { module: denoiser } = await openDenoiser("fashion-mnist-16", { device, unconditional: true });
  const student = denoiser.clone().requiresGrad_(true);
  const auxiliary = denoiser.clone();
  noGrad(() => auxiliary.parameters().at(-1)!.add_(0.05));
  const generator = new Generator(11);
  const [latents, noise] = [0, 1].map(() => randn([4, 1, 16, 16], { generator }).to({ device }));
  const samples = student.denoise(latents!.mul(2.5), tensor([2.5], { device }));
  const sigma = tensor([0.2, 0.5, 1, 3], { device });
  const noisy = samples.detach().add(noise!.mul(sigma.reshape([-1, 1, 1, 1])));
  const gap = noGrad(() => auxiliary.denoise(noisy, sigma).sub(denoiser.denoise(noisy, sigma)));
  samples.mul(gap).sum().backward();
  const gradients = student.parameters().map(({ grad }) => grad!.to({ device: "cpu" }));
  return { samples: samples.detach().to({ device: "cpu" }), gradients };
}

import { inferenceMode, keep, scope, type Tensor } from "@disback/torch";
import { type Condition, tensorsOf } from "../models/condition.js";
import type { Fit, FitBatch, Outline } from "./fit.js";
import type { GeneratorModule } from "./generator-student.js";

/**
 * Models that map latents to outputs, such as GANs, decoders and encoders, are fitted to a student's outputs at the same
 * latents:
 *
 *     minimise E | D'(z; c) - G0(z; c) |^2
 *
 * Along the path the teacher changes from its own mapping to the untrained student's. Ours: DisBack knows denoisers only.
 */
export class OutputFit implements Fit<GeneratorModule> {
  loss(model: GeneratorModule, { samples, latents, condition }: FitBatch): Tensor {
    return model.generate(latents, condition).sub(samples).square().mean();
  }

  outline(probes: FitBatch): Outline<GeneratorModule> {
    return new OutputOutline(probes);
  }
}

/** Root mean square of the difference between two models' outputs at the same latents. */
class OutputOutline implements Outline<GeneratorModule> {
  private readonly latents: Tensor;
  private readonly condition: Condition | undefined;

  constructor({ latents, condition }: FitBatch) {
    this.latents = keep(latents.detach());
    this.condition = condition;
    for (const tensor of tensorsOf(condition)) keep(tensor);
  }

  measure(model: GeneratorModule): Tensor {
    return keep(inferenceMode(() => scope(() => model.generate(this.latents, this.condition))));
  }

  between(a: Tensor, b: Tensor): number {
    return inferenceMode(() => scope(() => a.sub(b).square().mean().sqrt().item()));
  }

  dispose(): void {
    for (const tensor of [this.latents, ...tensorsOf(this.condition)]) tensor.dispose();
  }
}

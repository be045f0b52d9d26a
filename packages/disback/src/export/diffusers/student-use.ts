import { DenoiserStudent } from "../../distill/denoiser-student.js";
import type { Student } from "../../distill/student.js";
import { ConditionedNetwork } from "../../models/conditioned-network.js";
import type { DenoiserModule } from "../../models/denoiser.js";
import { DiscreteDenoiser } from "../../models/preconditioning/discrete.js";
import { FlowMatchingDenoiser } from "../../models/preconditioning/flow-matching.js";
import { FluxTransformer } from "../../models/transformers/flux/flux-transformer.js";
import { WanTransformer } from "../../models/transformers/wan/wan-transformer.js";

/** How a pipeline of diffusers draws as a student does. */
export interface StudentUse {
  /** with its noise levels; absent for a teacher, which keeps the pipeline's own */
  scheduler?: { className: string; options: Readonly<Record<string, string | number | boolean>> };
  /** lines of Python that make `picture`, or `clip`, with `pipe` */
  lines: readonly string[];
}

/** A student's noise levels, highest first; none for a teacher. */
export function levelsOf(student: Student | undefined): readonly number[] {
  return student instanceof DenoiserStudent ? [student.sigmaInit, ...student.laterSigmas] : [];
}

/**
 * @param base the denoiser, without adapters @param levels of the student @param scale of guidance that Flux is told, else 1
 */
export function studentUse(base: DenoiserModule, levels: readonly number[], scale: number): StudentUse {
  const few = levels.length > 1;
  if (levels.length > 0 && base instanceof DiscreteDenoiser) {
    // The scheduler of several steps takes whole steps only.
    const steps = levels.map((sigma) => Number(base.stepAt(sigma).toFixed(few ? 0 : 2)));
    return {
      scheduler: few
        ? { className: "LCMScheduler", options: {} }
        : { className: "EulerDiscreteScheduler", options: { timestep_spacing: "trailing" } },
      lines: [`picture = pipe("a prompt", timesteps=[${steps.join(", ")}], guidance_scale=1).images[0]`],
    };
  }
  if (levels.length > 0 && base instanceof FlowMatchingDenoiser) {
    const times = levels.map(timeOf);
    const scheduler = {
      className: "FlowMatchEulerDiscreteScheduler",
      options: {
        ...{ shift: 1, use_dynamic_shifting: false },
        ...(few ? { stochastic_sampling: true } : {}),
      },
    };
    if (drawsClips(base)) return { scheduler, lines: clipLines(base, times) };
    const [channels, height, width] = base.facts.sampleShape;
    const sides = [1, channels, height, width].join(", ");
    const size = `height=${height} * pipe.vae_scale_factor, width=${width} * pipe.vae_scale_factor`;
    return {
      scheduler,
      lines: [
        `latents = ${times[0]} * torch.randn(${sides})`,
        ...(isFlux(base) ? [`latents = pipe._pack_latents(latents, ${sides})`] : []),
        `picture = pipe("a prompt", sigmas=[${times.join(", ")}], latents=latents, guidance_scale=${scale},`,
        `               ${size}).images[0]`,
      ],
    };
  }
  if (drawsClips(base)) return { lines: [`clip = pipe("a prompt", guidance_scale=${scale}).frames[0]`] };
  return { lines: [`picture = pipe("a prompt", guidance_scale=${scale}).images[0]`] };
}

/** Wan's pipeline takes no times, so its scheduler is made to take these. */
function clipLines({ facts }: DenoiserModule, times: readonly number[]): string[] {
  const [channels, frames, height, width] = facts.sampleShape as [number, number, number, number];
  const size = `height=${height} * pipe.vae_scale_factor_spatial, width=${width} * pipe.vae_scale_factor_spatial`;
  return [
    `times = [${times.join(", ")}]`,
    "set_timesteps = pipe.scheduler.set_timesteps",
    "pipe.scheduler.set_timesteps = lambda *_, **__: set_timesteps(sigmas=times)",
    `latents = times[0] * torch.randn(${[1, channels, frames, height, width].join(", ")})`,
    'clip = pipe("a prompt", num_inference_steps=len(times), latents=latents, guidance_scale=1,',
    `            num_frames=${frames - 1} * pipe.vae_scale_factor_temporal + 1,`,
    `            ${size}).frames[0]`,
  ];
}

/** Whether a denoiser's pipeline is one for clips. */
export function drawsClips(base: DenoiserModule): boolean {
  const model = base instanceof FlowMatchingDenoiser ? base.model : undefined;
  return model instanceof ConditionedNetwork && model.network instanceof WanTransformer;
}

/** Flux's pipeline takes latents packed. */
function isFlux({ model }: FlowMatchingDenoiser): boolean {
  return model instanceof ConditionedNetwork && model.network instanceof FluxTransformer;
}

/** The time of flow matching at a noise level: x_t = (1 - t) x0 + t n, so that sigma = t / (1 - t). */
export function timeOf(sigma: number): number {
  return Number((sigma / (1 + sigma)).toFixed(4));
}

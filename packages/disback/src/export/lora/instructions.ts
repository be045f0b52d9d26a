import { DenoiserStudent } from "../../distill/denoiser-student.js";
import type { Student } from "../../distill/student.js";
import type { LowRankDenoiser } from "../../models/adapters/low-rank-denoiser.js";
import { ConditionedNetwork } from "../../models/conditioned-network.js";
import { DiscreteDenoiser } from "../../models/preconditioning/discrete.js";
import { FlowMatchingDenoiser } from "../../models/preconditioning/flow-matching.js";
import { FluxTransformer } from "../../models/transformers/flux/flux-transformer.js";
import type { PipelinePart } from "./lora-tensors.js";

/** File of the adapters for diffusers. */
export const diffusersFile = "pytorch_lora_weights.safetensors";
/** File of the adapters for ComfyUI and other tools with kohya's names. */
export const kohyaFile = "lora-kohya.safetensors";

/** How to draw with the adapters in other tools, in Markdown. */
export function instructions(
  adapters: LowRankDenoiser,
  part: PipelinePart,
  {
    student,
    embeddedGuidance,
  }: { student?: Student | undefined; embeddedGuidance?: number | undefined } = {},
): string {
  const levels = student instanceof DenoiserStudent ? [student.sigmaInit, ...student.laterSigmas] : [];
  const file = part === "unet" ? kohyaFile : diffusersFile;
  const few = levels.length > 1;
  const shown = adapters.base instanceof FlowMatchingDenoiser ? levels.map(timeOf) : levels;
  return `# A LoRA of rank ${adapters.rank}${levels.length > 0 ? `, ${levels.length} step${few ? "s" : ""}` : ""}

Use it with the model that it was made from, at strength 1 and without guidance (CFG 1): guidance is built in.
${
  embeddedGuidance === undefined
    ? ""
    : `The scale of guidance that Flux is told stays at ${embeddedGuidance}.
`
}
## diffusers

\`\`\`python
${diffusersUse(adapters, levels, embeddedGuidance ?? 1).join("\n")}
\`\`\`

## ComfyUI

Put \`${file}\` into \`models/loras\` and load it with LoraLoaderModelOnly, strength 1. KSampler: cfg 1, sampler \`${few ? "lcm" : "euler"}\`.
${levels.length > 0 ? `Sigmas, by a ManualSigmas node: ${[...shown, 0].join(", ")}.\n` : ""}`;
}

function diffusersUse({ base }: LowRankDenoiser, levels: readonly number[], scale: number): string[] {
  const lines = [
    "import torch",
    "from diffusers import AutoPipelineForText2Image",
    "",
    'pipe = AutoPipelineForText2Image.from_pretrained("the base model")',
    'pipe.load_lora_weights("this folder")',
  ];
  if (levels.length > 0 && base instanceof DiscreteDenoiser) {
    const [name, ...options] =
      levels.length > 1 ? ["LCMScheduler"] : ["EulerDiscreteScheduler", 'timestep_spacing="trailing"'];
    const steps = levels.map((sigma) => Number(base.stepAt(sigma).toFixed(2)));
    lines[1] += `, ${name}`;
    const given = ["pipe.scheduler.config", ...options].join(", ");
    return [
      ...lines,
      `pipe.scheduler = ${name}.from_config(${given})`,
      `picture = pipe("a prompt", timesteps=[${steps.join(", ")}], guidance_scale=1).images[0]`,
    ];
  }
  if (levels.length > 0 && base instanceof FlowMatchingDenoiser) {
    const times = levels.map(timeOf);
    lines[1] += ", FlowMatchEulerDiscreteScheduler";
    const [channels, height, width] = base.facts.sampleShape;
    const sides = [1, channels, height, width].join(", ");
    const size = `height=${height} * pipe.vae_scale_factor, width=${width} * pipe.vae_scale_factor`;
    const given = "pipe.scheduler.config, shift=1.0, use_dynamic_shifting=False";
    return [
      ...lines,
      `pipe.scheduler = FlowMatchEulerDiscreteScheduler.from_config(${given}${levels.length > 1 ? ", stochastic_sampling=True" : ""})`,
      `latents = ${times[0]} * torch.randn(${sides})`,
      ...(isFlux(base) ? [`latents = pipe._pack_latents(latents, ${sides})`] : []),
      `picture = pipe("a prompt", sigmas=[${times.join(", ")}], latents=latents, guidance_scale=${scale},`,
      `               ${size}).images[0]`,
    ];
  }
  return [...lines, `picture = pipe("a prompt", guidance_scale=${scale}).images[0]`];
}

/** Flux's pipeline takes latents packed. */
function isFlux({ model }: FlowMatchingDenoiser): boolean {
  return model instanceof ConditionedNetwork && model.network instanceof FluxTransformer;
}

/** The time of flow matching at a noise level: x_t = (1 - t) x0 + t n, so that sigma = t / (1 - t). */
function timeOf(sigma: number): number {
  return Number((sigma / (1 + sigma)).toFixed(4));
}

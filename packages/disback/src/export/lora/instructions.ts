import { DenoiserStudent } from "../../distill/denoiser-student.js";
import type { Student } from "../../distill/student.js";
import type { LowRankDenoiser } from "../../models/adapters/low-rank-denoiser.js";
import { DiscreteDenoiser } from "../../models/preconditioning/discrete.js";
import { FlowMatchingDenoiser } from "../../models/preconditioning/flow-matching.js";
import type { PipelinePart } from "./lora-tensors.js";

/** File of the adapters for diffusers. */
export const diffusersFile = "pytorch_lora_weights.safetensors";
/** File of the adapters for ComfyUI and other tools with kohya's names. */
export const kohyaFile = "lora-kohya.safetensors";

/** How to draw with the adapters in other tools, in Markdown. */
export function instructions(adapters: LowRankDenoiser, part: PipelinePart, student?: Student): string {
  const levels = student instanceof DenoiserStudent ? [student.sigmaInit, ...student.laterSigmas] : [];
  const file = part === "unet" ? kohyaFile : diffusersFile;
  const few = levels.length > 1;
  const shown = adapters.base instanceof FlowMatchingDenoiser ? levels.map(timeOf) : levels;
  return `# A LoRA of rank ${adapters.rank}${levels.length > 0 ? `, ${levels.length} step${few ? "s" : ""}` : ""}

Use it with the model that it was made from, at strength 1 and without guidance (CFG 1): guidance is built in.

## diffusers

\`\`\`python
${diffusersUse(adapters, levels).join("\n")}
\`\`\`

## ComfyUI

Put \`${file}\` into \`models/loras\` and load it with LoraLoaderModelOnly, strength 1. KSampler: cfg 1, sampler \`${few ? "lcm" : "euler"}\`.
${levels.length > 0 ? `Sigmas, by a ManualSigmas node: ${[...shown, 0].join(", ")}.\n` : ""}`;
}

function diffusersUse({ base }: LowRankDenoiser, levels: readonly number[]): string[] {
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
    const sides = base.facts.sampleShape.join(", ");
    const given = "pipe.scheduler.config, shift=1.0, use_dynamic_shifting=False";
    return [
      ...lines,
      `pipe.scheduler = FlowMatchEulerDiscreteScheduler.from_config(${given}${levels.length > 1 ? ", stochastic_sampling=True" : ""})`,
      `latents = ${times[0]} * torch.randn(1, ${sides})`,
      `picture = pipe("a prompt", sigmas=[${times.join(", ")}], latents=latents, guidance_scale=1).images[0]`,
    ];
  }
  return [...lines, 'picture = pipe("a prompt", guidance_scale=1).images[0]'];
}

/** The time of flow matching at a noise level: x_t = (1 - t) x0 + t n, so that sigma = t / (1 - t). */
function timeOf(sigma: number): number {
  return Number((sigma / (1 + sigma)).toFixed(4));
}

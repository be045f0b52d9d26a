import type { Student } from "../../distill/student.js";
import type { LowRankDenoiser } from "../../models/adapters/low-rank-denoiser.js";
import { FlowMatchingDenoiser } from "../../models/preconditioning/flow-matching.js";
import { drawsClips, levelsOf, studentUse, timeOf } from "../diffusers/student-use.js";
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
  const levels = levelsOf(student);
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
${drawsClips(adapters.base) ? "" : comfyUse(file, few, shown)}`;
}

function comfyUse(file: string, few: boolean, sigmas: readonly number[]): string {
  return `
## ComfyUI

Put \`${file}\` into \`models/loras\` and load it with LoraLoaderModelOnly, strength 1. KSampler: cfg 1, sampler \`${few ? "lcm" : "euler"}\`.
${sigmas.length > 0 ? `Sigmas, by a ManualSigmas node: ${[...sigmas, 0].join(", ")}.\n` : ""}`;
}

function diffusersUse({ base }: LowRankDenoiser, levels: readonly number[], scale: number): string[] {
  const { scheduler, lines } = studentUse(base, levels, scale);
  const pipeline = drawsClips(base) ? "WanPipeline" : "AutoPipelineForText2Image";
  const given = ["pipe.scheduler.config", ...Object.entries(scheduler?.options ?? {}).map(pythonArgument)];
  return [
    "import torch",
    `from diffusers import ${[pipeline, ...(scheduler ? [scheduler.className] : [])].join(", ")}`,
    "",
    `pipe = ${pipeline}.from_pretrained("the base model")`,
    'pipe.load_lora_weights("this folder")',
    ...(scheduler ? [`pipe.scheduler = ${scheduler.className}.from_config(${given.join(", ")})`] : []),
    ...lines,
  ];
}

function pythonArgument([name, value]: [string, string | number | boolean]): string {
  if (typeof value === "boolean") return `${name}=${value ? "True" : "False"}`;
  return `${name}=${typeof value === "number" ? value.toFixed(1) : JSON.stringify(value)}`;
}

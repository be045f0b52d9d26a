import { DisbackError } from "../../errors.js";
import { shown } from "../pickle/text-values.js";
import type { TensorTable } from "../tensors/tensor-file.js";

/** Parts of a single-file checkpoint, under the original's keys without their prefixes. */
export interface Sections {
  version: "sd1" | "sd2" | "sdxl";
  unet: TensorTable;
  vae: TensorTable;
  /** OpenAI's CLIP in SD 1 and SDXL */
  clip: TensorTable;
  /** OpenCLIP in SD 2 and SDXL */
  openClip: TensorTable;
  /** keys that mark what the network predicts, such as "v_pred" */
  marks: ReadonlySet<string>;
  /** what is not used, in words */
  unused: string[];
}

const prefixes = {
  unet: ["model.diffusion_model."],
  vae: ["first_stage_model."],
  clip: ["cond_stage_model.transformer.", "conditioner.embedders.0.transformer."],
  openClip: ["cond_stage_model.model.", "conditioner.embedders.1.model."],
} as const;

/** Not needed: the schedule's buffers, which follow from its rule, and the loss of an autoencoder's training. */
const known =
  /^(betas|alphas_cumprod|alphas_cumprod_prev|sqrt_.*|log_one_minus_.*|posterior_.*|logvar|denoiser\.(sigmas|log_sigmas)|.*\.logit_scale|first_stage_model\.loss\..*|cond_stage_model\.sequence_length|global_step)$/;
const markNames = new Set(["v_pred", "ztsnr"]);

/**
 * Sorts the tensors of a checkpoint of Stable Diffusion in its original layout.
 * @param path for messages
 * @throws DisbackError if it is none
 */
export function sections(tensors: TensorTable, path: string): Sections {
  const found = { unet: new Map(), vae: new Map(), clip: new Map(), openClip: new Map() } as Record<
    keyof typeof prefixes,
    TensorTable
  >;
  const marks = new Set<string>();
  const left: string[] = [];
  for (const [key, tensor] of tensors) {
    if (known.test(key)) continue;
    const section = (Object.keys(prefixes) as (keyof typeof prefixes)[]).find((name) =>
      prefixes[name].some((prefix) => key.startsWith(prefix)),
    );
    if (section) {
      const prefix = prefixes[section].find((one) => key.startsWith(one))!;
      found[section].set(key.slice(prefix.length), tensor);
    } else if (markNames.has(key)) marks.add(key);
    else left.push(key);
  }
  if (found.unet.size === 0) {
    const some = [...tensors.keys()].slice(0, 3).map(shown).join(", ");
    throw new DisbackError(
      `${path}: no checkpoint of Stable Diffusion in its original layout: no key begins with "model.diffusion_model.", but ${some}`,
    );
  }
  const version = found.unet.has("label_emb.0.0.weight") ? "sdxl" : found.openClip.size > 0 ? "sd2" : "sd1";
  return { version, ...found, marks, unused: summary(left) };
}

/** Whether keys are those of a checkpoint of Stable Diffusion in its original layout. */
export function isCheckpointOfDiffusion(keys: Iterable<string>): boolean {
  return [...keys].some((key) => prefixes.unet.some((prefix) => key.startsWith(prefix)));
}

/** Keys by what they begin with. */
function summary(keys: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const key of keys) {
    const start = key.split(".")[0]!;
    counts.set(start, (counts.get(start) ?? 0) + 1);
  }
  return [...counts]
    .sort()
    .map(([start, count]) => (count === 1 ? shown(start) : `${shown(start)}.* (${count} tensors)`));
}

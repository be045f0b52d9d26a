/** Keys that identify checkpoints of unsupported networks, and what can be done with them. */
const kinds: readonly { keys: readonly RegExp[]; what: string }[] = [
  {
    keys: [/^(.*\.)?model\.diffusion_model\.|^(.*\.)?first_stage_model\./],
    what:
      "Stable Diffusion's single file: it needs no import, give it as --teacher FILE with --tokenizer FOLDER; " +
      "of latent-diffusion's (CompVis) make a folder with diffusers and import that",
  },
  {
    keys: [
      /(^|\.)(timestep_embed\.weight|time_emb\.weight)$/,
      /(^|\.)(proj_in|patch_in\.proj|u_net\.\S+)\.weight$/,
    ],
    what:
      "crowsonkb/k-diffusion's (image_v1 or image_transformer), whose networks disback does not support: " +
      "run it with its own code, or train a teacher on its samples (disback teacher train)",
  },
  {
    keys: [/(^|\.)init_conv\.weight$/],
    what:
      "lucidrains/denoising-diffusion-pytorch's, whose U-Net disback does not support: " +
      "run it with its own code, or train a teacher on its samples (disback teacher train)",
  },
  {
    keys: [/(^|\.)x_embedder\.proj\.weight$/, /(^|\.)final_layer\.linear\.weight$/],
    what:
      "facebookresearch/DiT's or a relative's (SiT): make a folder of diffusers of it with its " +
      "scripts/convert_dit_to_diffusers.py and import that",
  },
];

/** The source of unsupported weights and what to do with them, if known. */
export function whoseWeights(keys: Iterable<string>): string | undefined {
  const all = [...keys];
  return kinds.find((kind) => kind.keys.every((pattern) => all.some((key) => pattern.test(key))))?.what;
}

/** A hint for weights that can be read together with other files. */
export function weightsHint(keys: ReadonlySet<string>): string {
  const has = (key: string) => keys.has(key) || [...keys].some((other) => other.endsWith(`.${key}`));
  if (has("time_embedding.linear_1.weight") && has("conv_norm_out.weight")) {
    return " (diffusers': give the folder that they, config.json and the scheduler's file are in)";
  }
  if (has("emb_fourier.freqs")) return " (NVlabs/edm2's: give one of its network snapshots, .pkl)";
  if (has("map_layer0.weight")) return " (NVlabs/edm's: give one of its network pickles or training states)";
  return "";
}

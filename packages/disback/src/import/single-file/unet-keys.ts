/** Names inside a residual block: the original's, then diffusers'. */
const resnetNames: readonly (readonly [string, string])[] = [
  ["in_layers.0", "norm1"],
  ["in_layers.2", "conv1"],
  ["out_layers.0", "norm2"],
  ["out_layers.3", "conv2"],
  ["emb_layers.1", "time_emb_proj"],
  ["skip_connection", "conv_shortcut"],
];

/** Layers outside the levels. */
const outerNames: Readonly<Record<string, string>> = {
  "time_embed.0": "time_embedding.linear_1",
  "time_embed.2": "time_embedding.linear_2",
  "label_emb.0.0": "add_embedding.linear_1",
  "label_emb.0.2": "add_embedding.linear_2",
  "input_blocks.0.0": "conv_in",
  "middle_block.0": "mid_block.resnets.0",
  "middle_block.1": "mid_block.attentions.0",
  "middle_block.2": "mid_block.resnets.1",
  "out.0": "conv_norm_out",
  "out.2": "conv_out",
};

/**
 * Maps keys of the U-Net in CompVis' latent-diffusion, whose blocks form one list, to diffusers'. Levels end at
 * the resampling convolutions.
 * @param keys without "model.diffusion_model."
 * @returns diffusers' key by the original's; unknown keys are left out
 */
export function unetKeys(keys: Iterable<string>): Map<string, string> {
  const all = [...keys];
  const places = new Map(Object.entries(outerNames));
  const parts = new Set(all.map((key) => key.split(".").slice(0, 3).join(".")));
  const has = (part: string) => parts.has(part);
  const convolved = new Set(all.map((key) => key.split(".").slice(0, 4).join(".")));

  for (let block = 1, level = 0, layer = 0; has(`input_blocks.${block}.0`); block++) {
    if (convolved.has(`input_blocks.${block}.0.op`)) {
      places.set(`input_blocks.${block}.0.op`, `down_blocks.${level}.downsamplers.0.conv`);
      level++;
      layer = 0;
      continue;
    }
    places.set(`input_blocks.${block}.0`, `down_blocks.${level}.resnets.${layer}`);
    places.set(`input_blocks.${block}.1`, `down_blocks.${level}.attentions.${layer}`);
    layer++;
  }
  for (let block = 0, level = 0, layer = 0; has(`output_blocks.${block}.0`); block++) {
    places.set(`output_blocks.${block}.0`, `up_blocks.${level}.resnets.${layer}`);
    places.set(`output_blocks.${block}.1`, `up_blocks.${level}.attentions.${layer}`);
    layer++;
    const upsampler = [1, 2].find((part) => convolved.has(`output_blocks.${block}.${part}.conv`));
    if (upsampler === undefined) continue;
    places.set(`output_blocks.${block}.${upsampler}.conv`, `up_blocks.${level}.upsamplers.0.conv`);
    level++;
    layer = 0;
  }
  return new Map(
    all.flatMap((key) => {
      const renamed = rename(key, places);
      return renamed === undefined ? [] : [[key, renamed] as const];
    }),
  );
}

/** The longest matching prefix decides. */
function rename(key: string, places: ReadonlyMap<string, string>): string | undefined {
  const parts = key.split(".");
  for (let length = parts.length - 1; length > 0; length--) {
    const place = places.get(parts.slice(0, length).join("."));
    if (place === undefined) continue;
    const rest = parts.slice(length).join(".");
    return `${place}.${place.includes("resnets") ? insideResnet(rest) : rest}`;
  }
  return undefined;
}

function insideResnet(rest: string): string {
  const found = resnetNames.find(([original]) => rest.startsWith(`${original}.`));
  return found ? found[1] + rest.slice(found[0].length) : rest;
}

/** Names inside a residual block: diffusers', then the original's. */
const resnetNames: Readonly<Record<string, string>> = {
  norm1: "in_layers.0",
  conv1: "in_layers.2",
  time_emb_proj: "emb_layers.1",
  norm2: "out_layers.0",
  conv2: "out_layers.3",
  conv_shortcut: "skip_connection",
};

const outerNames: Readonly<Record<string, string>> = {
  "time_embedding.linear_1": "time_embed.0",
  "time_embedding.linear_2": "time_embed.2",
  "add_embedding.linear_1": "label_emb.0.0",
  "add_embedding.linear_2": "label_emb.0.2",
  conv_in: "input_blocks.0.0",
  "mid_block.resnets.0": "middle_block.0",
  "mid_block.attentions.0": "middle_block.1",
  "mid_block.resnets.1": "middle_block.2",
  conv_out: "out.2",
};

/**
 * The layers' names in a U-Net's original layout, where all blocks are numbered in one list: LoRAs for SDXL have
 * these names.
 * @param layers diffusers' names of layers
 * @returns original names by diffusers' names
 */
export function originalUNetNames(layers: readonly string[]): Map<string, string> {
  const has = (place: string) => layers.some((layer) => layer.startsWith(`${place}.`));
  const places = new Map(Object.entries(outerNames));
  let block = 1;
  for (let level = 0; has(`down_blocks.${level}`); level++) {
    for (let layer = 0; has(`down_blocks.${level}.resnets.${layer}`); layer++, block++) {
      places.set(`down_blocks.${level}.resnets.${layer}`, `input_blocks.${block}.0`);
      places.set(`down_blocks.${level}.attentions.${layer}`, `input_blocks.${block}.1`);
    }
    places.set(`down_blocks.${level}.downsamplers.0.conv`, `input_blocks.${block}.0.op`);
    block++;
  }
  block = 0;
  for (let level = 0; has(`up_blocks.${level}`); level++) {
    for (let layer = 0; has(`up_blocks.${level}.resnets.${layer}`); layer++, block++) {
      places.set(`up_blocks.${level}.resnets.${layer}`, `output_blocks.${block}.0`);
      places.set(`up_blocks.${level}.attentions.${layer}`, `output_blocks.${block}.1`);
    }
    const part = has(`up_blocks.${level}.attentions.0`) ? 2 : 1;
    places.set(`up_blocks.${level}.upsamplers.0.conv`, `output_blocks.${block - 1}.${part}.conv`);
  }
  return new Map(
    layers.flatMap((layer) => {
      const name = rename(layer, places);
      return name === undefined ? [] : [[layer, name] as const];
    }),
  );
}

function rename(layer: string, places: ReadonlyMap<string, string>): string | undefined {
  const parts = layer.split(".");
  for (let length = parts.length; length > 0; length--) {
    const start = parts.slice(0, length).join(".");
    const place = places.get(start);
    if (place === undefined) continue;
    const rest = parts.slice(length).join(".");
    if (rest === "") return place;
    return `${place}.${start.includes("resnets") ? (resnetNames[rest] ?? rest) : rest}`;
  }
  return undefined;
}

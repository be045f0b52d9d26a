// Folders as diffusers writes them, and autoencoders of ours.
import { mkdtempSync, readFileSync } from "node:fs";
import { rand } from "@disback/torch";
import { mutateBytes } from "../mutate-bytes.mjs";
import { mutateJson } from "../mutate-json.mjs";
import { built, fileTarget } from "./files.mjs";
import { mutateSafetensors } from "./tensors.mjs";

const { readDiffusersFolder, findComponent, findScheduler } = await built("import/diffusers/folder");
const { describeUNet2D } = await built("import/diffusers/unet-2d");
const { describeDit } = await built("import/diffusers/dit");
const { openComponentWeights } = await built("import/diffusers/component-weights");
const { buildAutoencoder } = await built("models/autoencoder/autoencoder");
const { parseAutoencoderConfig } = await built("models/autoencoder/autoencoder-config");
const { loadAutoencoder, saveAutoencoder } = await built("models/autoencoder/storage");

const index = {
  _class_name: "DDPMPipeline",
  _diffusers_version: "0.42.0",
  unet: ["diffusers", "UNet2DModel"],
  scheduler: ["diffusers", "DDPMScheduler"],
  id2label: { 0: "a, b" },
}; // prettier-ignore
const unet = {
  _class_name: "UNet2DModel",
  sample_size: 8,
  in_channels: 1,
  out_channels: 1,
  down_block_types: ["DownBlock2D", "AttnDownBlock2D"],
  up_block_types: ["AttnUpBlock2D", "UpBlock2D"],
  block_out_channels: [8, 8],
  layers_per_block: 1,
  norm_num_groups: 4,
  attention_head_dim: 4,
}; // prettier-ignore
const dit = {
  _class_name: "DiTTransformer2DModel",
  num_attention_heads: 2,
  attention_head_dim: 4,
  in_channels: 4,
  out_channels: 4,
  num_layers: 1,
  sample_size: 4,
  patch_size: 2,
  num_embeds_ada_norm: 3,
}; // prettier-ignore
const scheduler = {
  _class_name: "DDPMScheduler",
  num_train_timesteps: 100,
  beta_schedule: "linear",
  beta_start: 0.0001,
  beta_end: 0.02,
  prediction_type: "epsilon",
  variance_type: "fixed_small",
  trained_betas: null,
  rescale_betas_zero_snr: false,
}; // prettier-ignore

export async function open(_name, folder) {
  const place = mkdtempSync(`${folder}/autoencoder-`);
  const config = {
    autoencoder: "kl",
    imageChannels: 1,
    latentChannels: 2,
    channels: [4, 4],
    blocksPerLevel: 1,
    normalizationGroups: 2,
  }; // prettier-ignore
  const source = { uniform: (shape) => rand(shape), normal: (shape) => rand(shape) };
  saveAutoencoder(place, buildAutoencoder(parseAutoencoderConfig(config), source));
  const written = JSON.parse(readFileSync(`${place}/config.json`));
  const weights = readFileSync(`${place}/model.safetensors`);
  const shards = {
    metadata: {},
    weight_map: { "encoder.conv_in.weight": "one.safetensors", x: "one.safetensors" },
  };
  const sometimes = (random, document) =>
    random.chance(50) ? mutateJson(random, document) : JSON.stringify(document);
  return fileTarget(folder, {
    named: "input",
    milliseconds: 5000,
    make: (random) => {
      const network = random.pick([unet, unet, dit]);
      const name = random.chance(50) ? "diffusion_pytorch_model.safetensors" : "one.safetensors";
      return {
        "model_index.json": sometimes(random, { ...index, unet: ["diffusers", network._class_name] }),
        "unet/config.json": sometimes(random, network),
        [`unet/${name}`]: random.chance(50)
          ? mutateSafetensors(random, weights)
          : mutateBytes(random, weights),
        ...(name === "one.safetensors"
          ? { "unet/diffusion_pytorch_model.safetensors.index.json": sometimes(random, shards) }
          : {}), // prettier-ignore
        "scheduler/scheduler_config.json": sometimes(random, scheduler),
        "vae/config.json": sometimes(random, written),
        "vae/model.safetensors": random.chance(30) ? mutateSafetensors(random, weights) : weights,
      };
    },
    run: async (path) => {
      // Both halves are read, whatever becomes of the first.
      let first;
      try {
        loadAutoencoder(`${path}/vae`).dispose();
      } catch (error) {
        first = error;
      }
      const pipeline = readDiffusersFolder(path);
      const component = findComponent(pipeline, ["UNet2DModel", "DiTTransformer2DModel"]);
      const noise = findScheduler(pipeline);
      const describe = component.className === "UNet2DModel" ? describeUNet2D : describeDit;
      describe(component, noise);
      const stored = await openComponentWeights(component);
      for (const { numbers } of stored.tensors.values()) await numbers.read();
      stored.close();
      if (first) throw first;
    },
  });
}

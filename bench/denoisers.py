"""Denoisers with EDM's preconditioning around networks as a user of Python has them: song_unet.py's, and those of diffusers.
Configurations, weights and their keys are those of a model folder."""
import json
import struct

import numpy as np
import torch
from song_unet import SongUNet
from torch import nn


class Denoiser(nn.Module):
    """D(x; sigma) = c_skip x + c_out F(c_in x; ln(sigma) / 4), table 1 of Karras et al. 2022."""

    def __init__(self, config):
        super().__init__()
        build, self.ask = KINDS[config["network"]]
        self.model, self.sigma_data = build(config), config["sigmaData"]

    def forward(self, x, sigma, condition=None):
        """condition: one-hot classes [N, K], states of a text [N, L, D], or None"""
        x, sigma = x.float(), sigma.float().reshape(-1, 1, 1, 1)
        total = sigma**2 + self.sigma_data**2
        raw = self.ask(self.model, x / total.sqrt(), sigma.flatten().log() / 4, condition)
        return self.sigma_data**2 / total * x + sigma * self.sigma_data / total.sqrt() * raw.float()


def dit(c):
    from diffusers import DiTTransformer2DModel

    network = DiTTransformer2DModel(
        num_attention_heads=c["heads"], attention_head_dim=c["channelsPerHead"], in_channels=c["imageChannels"],
        num_layers=c["layers"], attention_bias=c["attentionBias"], sample_size=c["imageResolution"],
        patch_size=c["patchSize"], num_embeds_ada_norm=c["labelDim"], norm_eps=c["normalizationEps"])
    # It hides a tenth of the labels in training, the other side none.
    for block in network.transformer_blocks:
        block.norm1.emb.class_embedder.dropout_prob = 0
    return network


def unet_2d_condition(c):
    from diffusers import UNet2DConditionModel

    def types(levels, attention, plain):
        return [attention if level["attention"] else plain for level in levels]

    down, up = c["down"], c["up"]
    return UNet2DConditionModel(
        sample_size=c["imageResolution"], in_channels=c["imageChannels"], out_channels=c["imageChannels"],
        down_block_types=types(down, "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=types(up, "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=[level["channels"] for level in down],
        layers_per_block=[len(level["transformerLayers"]) for level in down],
        cross_attention_dim=down[0]["textChannels"], attention_head_dim=down[0]["heads"],
        norm_num_groups=c["normalizationGroups"], norm_eps=c["normalizationEps"])


def ask_song_unet(network, x, noise, condition):
    return network(x, noise, condition)


def ask_dit(network, x, noise, condition):
    return network(x, timestep=noise.expand(len(x)), class_labels=condition.argmax(1)).sample


def ask_unet_2d_condition(network, x, noise, condition):
    return network(x, noise.expand(len(x)), condition).sample


KINDS = {
    "song-unet": (SongUNet, ask_song_unet),
    "dit": (dit, ask_dit),
    "unet-2d-condition": (unet_2d_condition, ask_unet_2d_condition),
}


def condition_of(config, count, random):
    """Random conditions as the other side draws them: uniform classes, or states of texts [N, L, D]; None for neither."""
    device = random.device
    if config["network"] == "unet-2d-condition":
        shape = [count, config["textLength"], config["down"][0]["textChannels"]]
        return torch.randn(shape, generator=random, device=device)
    if not config["labelDim"]:
        return None
    classes = torch.randint(0, config["labelDim"], (count,), generator=random, device=device)
    return torch.nn.functional.one_hot(classes, config["labelDim"]).float()


def open_denoiser(folder):
    """The denoiser of a model folder, for evaluation and without gradients, and its configuration."""
    config = json.loads(open(f"{folder}/config.json").read())
    denoiser = Denoiser(config).eval().requires_grad_(False)
    load(f"{folder}/model.safetensors", denoiser)
    return denoiser, config


def load(path, network):
    """Weights from a safetensors file; every key must fit."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        body = bytearray(file.read())
    header.pop("__metadata__", None)
    state = {}
    for key, entry in header.items():
        start, end = entry["data_offsets"]
        state[key] = torch.from_numpy(np.frombuffer(body, np.float32, (end - start) // 4, start)).reshape(entry["shape"])
    network.load_state_dict(state)

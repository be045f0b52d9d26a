"""Writes real architectures with random weights by the original code, and what they give for fixed inputs: pickles of
NVlabs/edm and NVlabs/edm2, checkpoints of guided-diffusion, folders of diffusers.

    python make.py --edm PATH_TO_NVLABS_EDM --out FOLDER [NAME ...]
    python make.py --edm2 PATH_TO_NVLABS_EDM2 --out FOLDER edm2-img64-s
    python make.py --guided-diffusion PATH --out FOLDER adm-imagenet64

Files are as large as the published ones (0.1 to 1.2 GB, dit-xl2 more); `node check.mjs FOLDER` imports
and compares them.
"""

import argparse
import importlib
import pathlib
import pickle
import sys
from unittest.mock import MagicMock

import torch
from safetensors.torch import save_file

# Options as `train.py` of the original sets them for its published models.
DDPMPP = dict(model_type="SongUNet", embedding_type="positional", encoder_type="standard", decoder_type="standard",
              channel_mult_noise=1, resample_filter=[1, 1], model_channels=128, channel_mult=[2, 2, 2])
NCSNPP = dict(model_type="SongUNet", embedding_type="fourier", encoder_type="residual", decoder_type="standard",
              channel_mult_noise=2, resample_filter=[1, 3, 3, 1], model_channels=128, channel_mult=[2, 2, 2])
ADM = dict(model_type="DhariwalUNet", model_channels=192, channel_mult=[1, 2, 3, 4])
NETWORKS = {
    "cifar10-ddpmpp": dict(DDPMPP, img_resolution=32, label_dim=10, augment_dim=9, dropout=0.13),
    "cifar10-ncsnpp": dict(NCSNPP, img_resolution=32, augment_dim=9, dropout=0.13),
    "ffhq64-ddpmpp": dict(DDPMPP, img_resolution=64, channel_mult=[1, 2, 2, 2], augment_dim=9, dropout=0.05),
    "imagenet64-adm": dict(ADM, img_resolution=64, label_dim=1000),
}
# UNet2DModel as in google/ddpm-cifar10-32 and google/ddpm-celebahq-256, with their schedulers.
DDPM = dict(attention_head_dim=None, downsample_padding=0, flip_sin_to_cos=False, freq_shift=1, norm_eps=1e-6)
DIFFUSERS = {
    "ddpm-cifar10-32": dict(
        DDPM, sample_size=32, block_out_channels=(128, 256, 256, 256),
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D", "AttnUpBlock2D", "UpBlock2D")),
    "ddpm-celebahq-256": dict(
        DDPM, sample_size=256, block_out_channels=(128, 128, 256, 256, 512, 512),
        down_block_types=("DownBlock2D",) * 4 + ("AttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "AttnUpBlock2D") + ("UpBlock2D",) * 4),
}
# DiT (Peebles and Xie 2023, table 1) for ImageNet at 256 x 256, with Stable Diffusion's autoencoder.
TRANSFORMERS = {
    "dit-s2": dict(num_attention_heads=6, attention_head_dim=64, num_layers=12),
    "dit-b2": dict(num_attention_heads=12, attention_head_dim=64, num_layers=12),
    "dit-xl2": dict(num_attention_heads=16, attention_head_dim=72, num_layers=28),
}
# As `train_edm2.py` sets it, and guided-diffusion's README.
EDM2 = {"edm2-img64-s": dict(img_resolution=64, img_channels=3, label_dim=1000, model_channels=192)}
GUIDED_DIFFUSION = {
    "adm-imagenet64": dict(
        attention_resolutions="32,16,8", class_cond=True, dropout=0.1, image_size=64, learn_sigma=True, noise_schedule="cosine",
        num_channels=192, num_head_channels=64, num_res_blocks=3, resblock_updown=True, use_new_attention_order=True,
        use_scale_shift_norm=True)}
AUTOENCODER = dict(
    down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4,
    block_out_channels=[128, 256, 512, 512], layers_per_block=2, latent_channels=4, sample_size=256)


def make_transformer(name, out):
    from diffusers import AutoencoderKL, DDIMScheduler, DiTPipeline, DiTTransformer2DModel

    sizes = dict(in_channels=4, out_channels=8, sample_size=32, patch_size=2, num_embeds_ada_norm=1000)
    net = DiTTransformer2DModel(**TRANSFORMERS[name], **sizes).eval().requires_grad_(False)
    vae = AutoencoderKL(**AUTOENCODER).eval().requires_grad_(False)
    scheduler = DDIMScheduler(clip_sample=False)
    DiTPipeline(net, vae, scheduler).save_pretrained(out / name)
    step, noisy, latents = torch.tensor([300]), torch.randn([1, 4, 32, 32]), torch.randn([1, 4, 8, 8])
    prediction = net(noisy, timestep=step, class_labels=torch.tensor([7])).sample[:, :4]
    alpha_bar = scheduler.alphas_cumprod[step].double()
    sigma, x = ((1 - alpha_bar) / alpha_bar).sqrt(), noisy.double() / alpha_bar.sqrt()
    values = dict(x=x, sigma=sigma, labels=torch.eye(1000)[7:8], output=x - sigma * prediction, latents=latents,
                  images=vae.decode(latents / vae.config.scaling_factor).sample)
    save_file({key: value.float().contiguous() for key, value in values.items()}, out / f"{name}.safetensors")
    return net


def make_diffusers(name, out):
    from diffusers import DDIMScheduler, DDPMPipeline, DDPMScheduler, UNet2DModel

    net = UNet2DModel(**DIFFUSERS[name]).eval().requires_grad_(False)
    for parameter in net.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.01)
    DDPMPipeline(net, DDPMScheduler()).save_pretrained(out / name)
    step = 500
    noisy = torch.randn([1, 3, net.config.sample_size, net.config.sample_size])
    scheduler = DDIMScheduler(clip_sample=False)
    scheduler.set_timesteps(1000)
    alpha_bar = scheduler.alphas_cumprod[step]
    clean = scheduler.step(net(noisy, step).sample, step, noisy).pred_original_sample
    values = dict(x=noisy / alpha_bar.sqrt(), sigma=((1 - alpha_bar) / alpha_bar).sqrt()[None], output=clean)
    save_file({key: value.contiguous() for key, value in values.items()}, out / f"{name}.safetensors")
    return net


def make_edm(name, out, networks):
    options = NETWORKS[name]
    net = networks.EDMPrecond(img_channels=3, use_fp16=True, **options).eval().requires_grad_(False)
    for parameter in net.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.01)
    sigma = torch.tensor([0.5])
    x = torch.randn([1, 3, options["img_resolution"], options["img_resolution"]])
    labels = torch.eye(options["label_dim"])[:1] if "label_dim" in options else None
    values = dict(x=x, sigma=sigma, output=net(x, sigma, labels), **({} if labels is None else dict(labels=labels)))
    save_file(values, out / f"{name}.safetensors")
    with open(out / f"{name}.pkl", "wb") as file:
        pickle.dump(dict(ema=net), file)
    return net


def make_edm2(name, out, networks):
    net = networks.Precond(**EDM2[name]).eval().requires_grad_(False)
    # Its gains start at 0, which would hide the network.
    for parameter in net.parameters():
        parameter.add_(torch.randn_like(parameter) * (0.01 if parameter.ndim > 0 else 1))
    net = net.half()
    with open(out / f"{name}.pkl", "wb") as file:
        pickle.dump(dict(ema=net), file)
    net, sigma, x, labels = net.float(), torch.tensor([0.5]), torch.randn([1, 3, 64, 64]), torch.eye(1000)[:1]
    values = dict(x=x, sigma=sigma, labels=labels, output=net(x, sigma, labels, force_fp32=True))
    save_file(values, out / f"{name}.safetensors")
    return net


def make_guided_diffusion(name, out, script_util):
    flags = {**script_util.model_and_diffusion_defaults(), **GUIDED_DIFFUSION[name]}
    net, diffusion = script_util.create_model_and_diffusion(**flags)
    net.eval().requires_grad_(False)
    for parameter in net.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.01)
    torch.save(net.state_dict(), out / f"{name}.pt")
    (out / f"{name}.txt").write_text(" ".join(f"--{flag} {value}" for flag, value in GUIDED_DIFFUSION[name].items()))
    step, noisy = torch.tensor([400]), torch.randn([1, 3, 64, 64])
    options = dict(clip_denoised=False, model_kwargs=dict(y=torch.tensor([7])))
    clean = diffusion.p_mean_variance(net, noisy, step, **options)["pred_xstart"]
    bar = diffusion.alphas_cumprod[400]
    values = dict(x=noisy / bar**0.5, sigma=torch.tensor([((1 - bar) / bar) ** 0.5]), labels=torch.eye(1000)[7:8], output=clean)
    save_file({key: value.float().contiguous() for key, value in values.items()}, out / f"{name}.safetensors")
    return net


def import_from(checkout, module):
    sys.path.insert(0, str(checkout.resolve()))
    for name in ["click", "tqdm", "PIL", "PIL.Image", "requests", "scipy", "blobfile", "mpi4py"]:
        try:
            importlib.import_module(name)
        except ImportError:
            sys.modules[name] = MagicMock()
    return importlib.import_module(module)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    everything = [*NETWORKS, *DIFFUSERS, *TRANSFORMERS, *EDM2, *GUIDED_DIFFUSION]
    parser.add_argument("--edm", type=pathlib.Path, help="checkout of NVlabs/edm, for its networks")
    parser.add_argument("--edm2", type=pathlib.Path, help="checkout of NVlabs/edm2, instead of NVlabs/edm")
    parser.add_argument("--guided-diffusion", type=pathlib.Path, help="checkout of openai/guided-diffusion")
    parser.add_argument("--out", required=True, type=pathlib.Path)
    regular = [name for name in [*NETWORKS, *DIFFUSERS, *TRANSFORMERS] if name != "dit-xl2"]
    parser.add_argument("names", nargs="*", default=regular, metavar="NAME", help=", ".join(everything))
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    sources = dict(
        edm=arguments.edm and import_from(arguments.edm, "training.networks"),
        edm2=arguments.edm2 and import_from(arguments.edm2, "training.networks_edm2"),
        guided=arguments.guided_diffusion and import_from(arguments.guided_diffusion, "guided_diffusion.script_util"))
    for name in arguments.names:
        torch.manual_seed(1)
        with torch.no_grad():
            if name in EDM2:
                net = make_edm2(name, arguments.out, sources["edm2"])
            elif name in GUIDED_DIFFUSION:
                net = make_guided_diffusion(name, arguments.out, sources["guided"])
            elif name in TRANSFORMERS:
                net = make_transformer(name, arguments.out)
            elif name in DIFFUSERS:
                net = make_diffusers(name, arguments.out)
            else:
                net = make_edm(name, arguments.out, sources["edm"])
        print(name, sum(parameter.numel() for parameter in net.parameters()), "parameters", flush=True)

"""Pickles EDM's real architectures with random weights, and what they give for fixed inputs.

    python make.py --edm PATH_TO_NVLABS_EDM --out FOLDER [NAME ...]

Files are as large as the published ones (0.2 to 1.2 GB); `node check.mjs FOLDER` imports and compares them.
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

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edm", required=True, type=pathlib.Path, help="checkout of NVlabs/edm")
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("names", nargs="*", default=list(NETWORKS), metavar="NAME", help=", ".join(NETWORKS))
    arguments = parser.parse_args()
    sys.path.insert(0, str(arguments.edm.resolve()))
    for name in ["click", "tqdm", "PIL", "PIL.Image", "requests", "scipy"]:
        try:
            importlib.import_module(name)
        except ImportError:
            sys.modules[name] = MagicMock()
    networks = importlib.import_module("training.networks")
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for name in arguments.names:
        options = NETWORKS[name]
        torch.manual_seed(1)
        net = networks.EDMPrecond(img_channels=3, use_fp16=True, **options).eval().requires_grad_(False)
        for parameter in net.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.01)
        sigma = torch.tensor([0.5])
        x = torch.randn([1, 3, options["img_resolution"], options["img_resolution"]])
        labels = torch.eye(options["label_dim"])[:1] if "label_dim" in options else None
        values = dict(x=x, sigma=sigma, output=net(x, sigma, labels), **({} if labels is None else dict(labels=labels)))
        save_file(values, arguments.out / f"{name}.safetensors")
        with open(arguments.out / f"{name}.pkl", "wb") as file:
            pickle.dump(dict(ema=net), file)
        print(name, sum(parameter.numel() for parameter in net.parameters()), "parameters", flush=True)

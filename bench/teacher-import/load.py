"""Loads what export.mjs wrote with the original tools (NVlabs/edm, diffusers) and compares the outputs.

    python load.py --edm PATH_TO_NVLABS_EDM FOLDER
"""

import argparse
import pathlib
import pickle
import sys

import torch
from safetensors.torch import load_file


def load_edm(path):
    with open(path, "rb") as file:
        net = pickle.load(file)["ema"]
    # Saved again it is an ordinary pickle of the original's, with the original's source code.
    again = pickle.loads(pickle.dumps(net))
    assert type(again).__name__ == type(net).__name__ and "disback" not in net._orig_module_src
    return lambda x, sigma, labels, **_: again(x, sigma, labels)


def load_diffusers(path):
    from diffusers import DDPMPipeline, UNet2DModel

    pipeline = DDPMPipeline.from_pretrained(path)
    unet, info = UNet2DModel.from_pretrained(path / "unet", output_loading_info=True)
    assert not any(info.values()), info
    prediction = pipeline.scheduler.config.prediction_type

    def denoise(x, sigma, labels, steps):
        sigma = sigma[:, None, None, None]
        scale = 1 / (sigma**2 + 1).sqrt()
        output = unet(x * scale, steps, labels.argmax(1)).sample[:, :3]
        clean = {"epsilon": x - sigma * output, "v_prediction": scale * (scale * x - sigma * output), "sample": output}
        return clean[prediction]

    return denoise


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edm", required=True, type=pathlib.Path, help="checkout of NVlabs/edm")
    parser.add_argument("folder", type=pathlib.Path)
    arguments = parser.parse_args()
    sys.path.insert(0, str(arguments.edm.resolve()))
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    for expectation in sorted(arguments.folder.glob("*.safetensors")):
        values = load_file(expectation)
        expected = values.pop("output")
        pickled = expectation.with_suffix(".pkl")
        denoise = load_edm(pickled) if pickled.exists() else load_diffusers(expectation.with_suffix(""))
        error = ((denoise(**values) - expected).abs().max() / expected.abs().max()).item()
        print(f"{expectation.stem}: relative difference {error:.1e}")
        assert error < 1e-4, expectation.stem

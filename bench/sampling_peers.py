"""Python's side of bench/sampling-peers.mjs: one step of a student, in eager PyTorch or as an ONNX file in ONNX Runtime."""
import torch
from denoisers import condition_of, open_denoiser
from peer import serve, timed

way = None


def create(request):
    """Draws latents, then conditions, as the other side does. Returns the first 100 numbers of the samples."""
    global way
    torch.set_num_threads(request["threads"])
    denoiser, config = open_denoiser(request["folder"])
    random = torch.Generator().manual_seed(request["seed"])
    count, channels, side = request["batch"], config["imageChannels"], config["imageResolution"]
    latents = torch.randn([count, channels, side, side], generator=random)
    condition = condition_of(config, count, random)
    make = in_onnx_runtime if request["name"] == "onnx" else eagerly
    way = make(request, denoiser, latents, condition)
    return {"first": way().flatten()[:100].tolist()}


def eagerly(request, denoiser, latents, condition):
    layout = torch.channels_last if request["name"] == "eager-last" else torch.contiguous_format
    denoiser.to(memory_format=layout)
    sigma = torch.full([len(latents)], request["sigmaInit"])

    def draw():
        with torch.inference_mode():
            return denoiser(latents * request["sigmaInit"], sigma, condition)

    return draw


def in_onnx_runtime(request, denoiser, latents, condition):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = request["threads"]
    session = onnxruntime.InferenceSession(request["onnx"], options, providers=["CPUExecutionProvider"])
    given = [latents] if condition is None else [latents, condition]
    feeds = {asked.name: tensor.numpy() for asked, tensor in zip(session.get_inputs(), given, strict=True)}
    return lambda: torch.from_numpy(session.run(None, feeds)[0])


def run(request):
    def repeated():
        for _ in range(request["repeats"]):
            way()

    return timed(repeated)


if __name__ == "__main__":
    serve({"create": create, "run": run})

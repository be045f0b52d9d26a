"""The score network written once more in NumPy, from galaxygrad's models_eqx.py and equinox's layers.

    python reference.py FILE.eqx            inputs and scores as JSON, for check.mjs
    python reference.py --tiny FOLDER       tiny.eqx with random weights and tiny.json, for the tests
"""
import json
import sys

import numpy as np


def read(path):
    arrays = []
    with open(path, "rb") as file:
        while file.peek(1):
            arrays.append(np.load(file).astype(np.float64))
    return arrays


def layer_norm(x, w, b):
    return (x - x.mean()) / np.sqrt(x.var() + 1e-5) * w + b


def mlp(x, w1, b1, w2, b2):
    return np.maximum(x @ w1.T + b1, 0) @ w2.T + b2


def score(arrays, x, t):
    """x: one image [H, W]; t: its time."""
    rest = iter(arrays)
    take = lambda count: [next(rest) for _ in range(count)]
    w_in, b_in, w_out, b_out = take(4)
    channels, _, p, _ = w_in.shape
    height, width = x.shape
    rows, columns = height // p, width // p
    both = np.stack([x, np.full((height, width), t / float(arrays[-1]))])
    y = np.einsum("oipq,irpcq->orc", w_in, both.reshape(2, rows, p, columns, p)) + b_in
    y = y.reshape(channels, rows * columns)
    for _ in range((len(arrays) - 7) // 12):
        patch, hidden, norm1, norm2 = take(4), take(4), take(2), take(2)
        y = y + mlp(layer_norm(y, *norm1), *patch)
        y = y.T
        y = y + mlp(layer_norm(y, *norm2), *hidden)
        y = y.T
    y = layer_norm(y, *take(2)).reshape(channels, rows, columns)
    # ConvTranspose2d: zeros between and around the inputs, then a correlation with the kernel as it is.
    spread = np.zeros((channels, height + p - 1, width + p - 1))
    spread[:, p - 1 :: p, p - 1 :: p] = y
    out = np.full((height, width), float(b_out.ravel()[0]))
    for i in range(p):
        for j in range(p):
            out += np.einsum("c,chw->hw", w_out[0, :, i, j], spread[:, i : i + height, j : j + width])
    return out


def examples(arrays):
    random = np.random.default_rng(0)
    side = arrays[0].shape[2] * round(arrays[-2].shape[1] ** 0.5)
    x = random.standard_normal((4, side, side)).astype(np.float32)
    t = np.array([1e-3, 0.1, 1, 10], dtype=np.float32)
    scores = [score(arrays, image.astype(np.float64), float(time)) for image, time in zip(x, t)]
    return {"x": x[:, None].tolist(), "t": t.tolist(), "score": np.float32(scores)[:, None].tolist()}


def tiny(folder, channels=6, patch=2, patches=16, hidden=10, blocks=2):
    """Weights of every array in the order of the file."""
    random = np.random.default_rng(1)
    block = [(hidden, patches), (hidden,), (patches, hidden), (patches,)]
    block += [(hidden, channels), (hidden,), (channels, hidden), (channels,)]
    block += [(channels, patches)] * 2 + [(patches, channels)] * 2
    shapes = [(channels, 2, patch, patch), (channels, 1, 1), (1, channels, patch, patch), (1, 1, 1)]
    shapes += block * blocks + [(channels, patches)] * 2
    with open(f"{folder}/tiny.eqx", "wb") as file:
        for shape in shapes:
            np.save(file, (0.3 * random.standard_normal(shape)).astype(np.float32))
        np.save(file, np.float64(10))
    with open(f"{folder}/tiny.json", "w") as file:
        json.dump(examples(read(f"{folder}/tiny.eqx")), file)


if __name__ == "__main__":
    if sys.argv[1] == "--tiny":
        tiny(sys.argv[2])
    else:
        print(json.dumps(examples(read(sys.argv[1]))))

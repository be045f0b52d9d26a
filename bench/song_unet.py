"""DDPM++, eager PyTorch, as a user of the released Python code runs it: an implementation of
its own of the network in Karras et al. 2022 (table 7), with the operators which that code calls (resampling by grouped
convolutions, biases added by themselves, attention by two products and a softmax), under the same weights' names."""
import torch
from torch import nn
from torch.nn import functional as F


class Linear(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) * inputs**-0.5)
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x):
        return (x @ self.weight.t()).add_(self.bias)


class Conv(nn.Module):
    """Keeps the resolution, or doubles or halves it first with the filter [1, 1]."""

    def __init__(self, inputs, outputs, kernel, change=None):
        super().__init__()
        self.inputs, self.change = inputs, change
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel) * (inputs * kernel**2) ** -0.5)
        self.bias = nn.Parameter(torch.zeros(outputs))
        if change:
            self.register_buffer("resample_filter", torch.full([1, 1, 2, 2], 0.25))

    def forward(self, x):
        if self.change:
            taps = self.resample_filter.tile([self.inputs, 1, 1, 1])
            if self.change == "up":
                x = F.conv_transpose2d(x, taps.mul(4), groups=self.inputs, stride=2)
            else:
                x = F.conv2d(x, taps, groups=self.inputs, stride=2)
        x = F.conv2d(x, self.weight, padding=self.weight.shape[-1] // 2)
        return x.add_(self.bias.reshape(1, -1, 1, 1))


class Norm(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.groups = min(32, channels // 4)
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x):
        return F.group_norm(x, self.groups, self.weight, self.bias, 1e-6)


class Block(nn.Module):
    def __init__(self, inputs, outputs, embedding, dropout, change=None, attention=False):
        super().__init__()
        self.outputs, self.dropout = outputs, dropout
        self.norm0 = Norm(inputs)
        self.conv0 = Conv(inputs, outputs, 3, change)
        self.affine = Linear(embedding, outputs)
        self.norm1 = Norm(outputs)
        self.conv1 = Conv(outputs, outputs, 3)
        self.skip = Conv(inputs, outputs, 1, change) if change or inputs != outputs else None
        self.norm2 = Norm(outputs) if attention else None
        if attention:
            self.qkv = Conv(outputs, 3 * outputs, 1)
            self.proj = Conv(outputs, outputs, 1)

    def forward(self, x, embedding):
        skip = x
        x = self.conv0(F.silu(self.norm0(x)))
        x = F.silu(self.norm1(x.add_(self.affine(embedding).unsqueeze(2).unsqueeze(3))))
        x = self.conv1(F.dropout(x, self.dropout, self.training))
        x = x.add_(skip if self.skip is None else self.skip(skip)) * 0.5**0.5
        if self.norm2 is None:
            return x
        batch, channels, height, width = x.shape
        query, key, value = self.qkv(self.norm2(x)).reshape(batch, channels, 3, height * width).unbind(2)
        weights = torch.einsum("ncq,nck->nqk", query, key / channels**0.5).softmax(2)
        attended = torch.einsum("nqk,nck->ncq", weights, value)
        return self.proj(attended.reshape(x.shape)).add_(x) * 0.5**0.5


class SongUNet(nn.Module):
    def __init__(self, c):
        super().__init__()
        width = c["modelChannels"]
        embedding = width * c["embeddingMultiplier"]
        self.width = width
        self.map_label = Linear(c["labelDim"], width) if c["labelDim"] else None
        self.map_layer0 = Linear(width, embedding)
        self.map_layer1 = Linear(embedding, embedding)

        def block(inputs, outputs, **options):
            return Block(inputs, outputs, embedding, c["dropout"], **options)

        levels = [(c["imageResolution"] >> i, width * m) for i, m in enumerate(c["channelMultipliers"])]
        self.enc, self.dec = nn.ModuleDict(), nn.ModuleDict()
        skips, channels = [], width
        for level, (resolution, wide) in enumerate(levels):
            name = f"{resolution}x{resolution}"
            if level == 0:
                self.enc[f"{name}_conv"] = Conv(c["imageChannels"], channels, 3)
            else:
                self.enc[f"{name}_down"] = block(channels, channels, change="down")
            skips.append(channels)
            for index in range(c["blocksPerResolution"]):
                attention = resolution in c["attentionResolutions"]
                self.enc[f"{name}_block{index}"] = block(channels, wide, attention=attention)
                channels = wide
                skips.append(channels)
        for level, (resolution, wide) in reversed(list(enumerate(levels))):
            name = f"{resolution}x{resolution}"
            if level == len(levels) - 1:
                self.dec[f"{name}_in0"] = block(channels, channels, attention=True)
                self.dec[f"{name}_in1"] = block(channels, channels)
            else:
                self.dec[f"{name}_up"] = block(channels, channels, change="up")
            for index in range(c["blocksPerResolution"] + 1):
                attention = index == c["blocksPerResolution"] and resolution in c["attentionResolutions"]
                self.dec[f"{name}_block{index}"] = block(channels + skips.pop(), wide, attention=attention)
                channels = wide
        self.dec[f"{name}_aux_norm"] = Norm(channels)
        self.dec[f"{name}_aux_conv"] = Conv(channels, c["imageChannels"], 3)

    def forward(self, x, noise, labels):
        half = self.width // 2
        frequencies = (1 / 10000) ** (torch.arange(half, dtype=torch.float32, device=noise.device) / (half - 1))
        phases = noise.outer(frequencies)
        embedding = torch.cat([phases.sin(), phases.cos()], 1)
        if self.map_label is not None:
            embedding = embedding + self.map_label(labels * self.map_label.weight.shape[1] ** 0.5)
        embedding = F.silu(self.map_layer1(F.silu(self.map_layer0(embedding))))
        skips = []
        for part in self.enc.values():
            x = part(x, embedding) if isinstance(part, Block) else part(x)
            skips.append(x)
        for name, part in self.dec.items():
            if not isinstance(part, Block):
                x = part(x) if "conv" in name else F.silu(part(x))
                continue
            if x.shape[1] != part.norm0.weight.shape[0]:
                x = torch.cat([x, skips.pop()], 1)
            x = part(x, embedding)
        return x

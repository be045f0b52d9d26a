"""Python's side of bench/training-step.mjs: the U-Net and training step of bench/unet.mjs in PyTorch, eager."""
import torch
from peer import serve, timed
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, in_channels, out_channels, embedding):
        super().__init__()
        self.norm1 = nn.GroupNorm(8, in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.embed = nn.Linear(embedding, out_channels)
        self.norm2 = nn.GroupNorm(8, out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = None if in_channels == out_channels else nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, input, embedding):
        hidden = self.conv1(F.silu(self.norm1(input)))
        hidden = hidden + self.embed(embedding).unsqueeze(-1).unsqueeze(-1)
        hidden = self.conv2(F.silu(self.norm2(hidden)))
        return hidden + (input if self.shortcut is None else self.shortcut(input))


class Attention(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm = nn.GroupNorm(8, channels)
        self.project = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, input):
        batch, channels, height, width = input.shape
        projected = self.project(self.norm(input)).reshape(batch, 3, channels, -1)
        query, key, value = projected.transpose(2, 3).unbind(1)
        attended = F.scaled_dot_product_attention(query, key, value).transpose(1, 2)
        return input + self.out(attended.reshape(batch, channels, height, width))


class UNet(nn.Module):
    def __init__(self, width, channels):
        super().__init__()
        self.embed1 = nn.Linear(1, 4 * width)
        self.embed2 = nn.Linear(4 * width, 4 * width)
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.down1 = Block(width, width, 4 * width)
        self.halve = nn.Conv2d(width, 2 * width, 3, padding=1, stride=2)
        self.down2 = Block(2 * width, 2 * width, 4 * width)
        self.attention = Attention(2 * width)
        self.middle = Block(2 * width, 2 * width, 4 * width)
        self.up2 = Block(4 * width, 2 * width, 4 * width)
        self.up1 = Block(3 * width, width, 4 * width)
        self.norm = nn.GroupNorm(8, width)
        self.last = nn.Conv2d(width, channels, 3, padding=1)

    def forward(self, input, level):
        embedding = F.silu(self.embed2(F.silu(self.embed1(level))))
        high = self.down1(self.first(input), embedding)
        low = self.down2(self.halve(high), embedding)
        hidden = self.middle(self.attention(low), embedding)
        hidden = self.up2(torch.cat([hidden, low], 1), embedding)
        hidden = F.interpolate(hidden, scale_factor=2, mode="nearest")
        hidden = self.up1(torch.cat([hidden, high], 1), embedding)
        return self.last(F.silu(self.norm(hidden)))


class Training:
    def __init__(self, size, fused):
        width, resolution, batch, channels = (size[k] for k in ("width", "resolution", "batch", "channels"))
        self.network = UNet(width, channels)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-4, fused=fused)
        self.images = torch.randn(batch, channels, resolution, resolution)
        self.loss = None

    def step(self):
        level = torch.randn(self.images.size(0), 1)
        noise = torch.randn(self.images.shape)
        noisy = self.images + noise * level.exp().unsqueeze(-1).unsqueeze(-1)
        loss = F.mse_loss(self.network(noisy, level), noise)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.loss = loss.detach()

    def steps(self, count):
        for _ in range(count):
            self.step()


trainings = {}


def create(request):
    torch.set_num_threads(request["threads"])
    torch.manual_seed(request["seed"])
    training = trainings[request["name"]] = Training(request["size"], request["fused"])
    training.steps(request["steps"])
    return {"loss": training.loss.item()}


def run(request):
    training = trainings[request["name"]]
    return timed(lambda: training.steps(request["steps"]))


serve({"create": create, "run": run})

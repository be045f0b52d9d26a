"""Python's side of bench/distillation-step.mjs: the training loop of Diff-Instruct's released code (its order of draws
and updates, its Adam, its treatment of gradients that are not finite, its average) with the networks of denoisers.py.

"released" draws student samples for each of the two updates, as that code does. "shared" differs in two things, so that
both sides of the comparison compute the same numbers: one draw serves both updates, and losses are means. With "oneNoise"
one noised batch serves both too, with the auxiliary model's estimate before its update."""
import copy
import resource
from contextlib import nullcontext

import torch
from denoisers import condition_of, open_denoiser
from peer import serve, timed
from torch.utils.flop_counter import FlopCounterMode


class Distillation:
    def __init__(self, request):
        self.teacher, self.config = open_denoiser(request["teacher"])
        self.auxiliary = copy.deepcopy(self.teacher).train().requires_grad_(True)
        self.student = copy.deepcopy(self.teacher).train().requires_grad_(True)
        self.average = copy.deepcopy(self.teacher)
        self.device = request.get("device", "cpu")
        self.precision = request.get("precision", "f32")
        layout = torch.channels_last if request.get("memoryFormat") == "channels-last" else torch.contiguous_format
        for network in (self.teacher, self.auxiliary, self.student, self.average):
            network.to(self.device, memory_format=layout)
        betas = tuple(map(float, request["betas"]))
        adam = torch.optim.Adam
        self.auxiliary_optimizer = adam(self.auxiliary.parameters(), lr=request["auxiliaryLearningRate"], betas=betas)
        self.student_optimizer = adam(self.student.parameters(), lr=request["studentLearningRate"], betas=betas)
        self.batch, self.shared, self.decay = request["batchSize"], request["shared"], request["emaDecay"]
        self.one_noise = request["oneNoise"]
        self.sigma_init = request["sigmaInit"]
        self.random = torch.Generator(self.device).manual_seed(request["seed"])
        if request.get("compile"):
            # Their parameters stay those of the networks: what is compiled is the calls.
            self.teacher, self.auxiliary, self.student = map(torch.compile, (self.teacher, self.auxiliary, self.student))

    def noise(self, *shape):
        return torch.randn(*shape, generator=self.random, device=self.device)

    def integer(self, below, *shape):
        return torch.randint(0, below, shape, generator=self.random, device=self.device)

    def denoise(self, network, *inputs):
        with torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=self.precision == "bf16"):
            return network(*inputs)

    def draw(self):
        c = self.config
        condition = condition_of(c, self.batch, self.random)
        z = self.sigma_init * self.noise(self.batch, c["imageChannels"], c["imageResolution"], c["imageResolution"])
        sigma = self.sigma_init * torch.ones(self.batch, 1, 1, 1, device=self.device)
        return self.denoise(self.student, z, sigma, condition), condition

    def noised(self, images):
        sigma = (self.noise(self.batch) * 1.2 - 1.2).exp().reshape(-1, 1, 1, 1)
        return sigma, images + self.noise(*images.shape) * sigma

    def update(self, optimizer):
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    torch.nan_to_num(parameter.grad, nan=0, posinf=1e5, neginf=-1e5, out=parameter.grad)
        optimizer.step()

    def step(self):
        if self.shared:
            self.integer(2**31 - 1, 1)  # the other side's seed of dropout
            samples, condition = self.draw()
            images = samples.detach()
        else:
            self.student.eval()
            with torch.no_grad():
                images, condition = self.draw()
            self.student.train()

        self.auxiliary_optimizer.zero_grad(set_to_none=True)
        sigma, noised = self.noised(images)
        weight = (sigma**2 + 0.5**2) / (sigma * 0.5) ** 2
        fitted = self.denoise(self.auxiliary, noised, sigma, condition)
        errors = weight * (fitted - images) ** 2
        loss = errors.mean() if self.shared else errors.sum().mul(1 / self.batch)
        loss.backward()
        self.update(self.auxiliary_optimizer)

        self.student_optimizer.zero_grad(set_to_none=True)
        if not self.shared:
            samples, condition = self.draw()
        # The released code changes both modes back and forth here; its networks have dropout, these have none.
        if not self.one_noise:
            sigma, noised = self.noised(samples.detach())
        with torch.no_grad():
            wanted = self.denoise(self.teacher, noised, sigma, condition)
            fitted = fitted.detach() if self.one_noise else self.denoise(self.auxiliary, noised, sigma, condition)
        ((fitted - wanted) * samples).sum([1, 2, 3]).sum().mul(1 / self.batch).backward()
        self.update(self.student_optimizer)
        for averaged, parameter in zip(self.average.parameters(), self.student.parameters()):
            averaged.copy_(parameter.detach().lerp(averaged, self.decay))
        return loss, fitted, wanted

    def figures(self):
        loss, fitted, wanted = self.step()
        gradients = [parameter.grad for parameter in self.student.parameters() if parameter.grad is not None]
        return {
            "loss": loss.item(),
            "gap": (fitted - wanted).square().mean().sqrt().item(),
            "gradientNorm": torch.stack([gradient.norm() for gradient in gradients]).norm().item(),
        }

    def steps(self, count):
        for _ in range(count):
            self.step()


distillations = {}


def create(request):
    """The first steps' figures, and the floating-point operations of one as PyTorch counts them, backward included."""
    torch.set_num_threads(request["threads"])
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = request["tf32"]
    distillation = distillations[request["name"]] = Distillation(request)
    counter = nullcontext() if request.get("compile") else FlopCounterMode(display=False)
    with counter:
        figures = [distillation.figures()]
    figures += [distillation.figures() for _ in range(request["checkedSteps"] - 1)]
    flops = None if request.get("compile") else counter.get_total_flops()
    parameters = sum(parameter.numel() for parameter in distillation.average.parameters())
    device = distillation.device
    processor = "" if device == "cpu" else torch.cuda.get_device_name(device)
    return {"figures": figures, "flops": flops, "parameters": parameters, "deviceName": processor}


def run(request):
    distillation = distillations[request["name"]]
    return timed(lambda: distillation.steps(request["steps"]), distillation.device)


def memory(request):
    """The process's highest memory so far; on a GPU that of its tensors."""
    device = distillations[request["name"]].device
    if device == "cpu":
        return {"peakBytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}
    return {"peakBytes": torch.cuda.max_memory_allocated(device)}


if __name__ == "__main__":
    serve({"create": create, "run": run, "memory": memory})

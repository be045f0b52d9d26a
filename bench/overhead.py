"""Python's side of bench/overhead.mjs: the same small operations under the same names, many calls timed as a whole."""
import torch
from peer import serve, timed
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
a = torch.tensor([1.0, 2.0, 3.0, 4.0])
b = torch.tensor([5.0, 6.0, 7.0, 8.0])
leaf = torch.tensor([1.0, 2.0, 3.0, 4.0], requires_grad=True)
image = torch.ones(1, 1, 4, 4)
kernel = torch.ones(1, 1, 3, 3)
network = nn.ModuleList(nn.GroupNorm(8, 16) for _ in range(48))
for parameter in network.parameters():
    parameter.grad = torch.ones(16)
weight = network[0].weight
optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)
# The operator alone on lists made once: the least that Python can spend on an average.
weights = [parameter.detach() for parameter in network.parameters()]
averages = [weight.clone() for weight in weights]


def repeat(body):
    def many(calls):
        for _ in range(calls):
            body()

    return many


# The frequent ones are loops of their own: a call of a lambda would count as the operation's.
def add(calls):
    for _ in range(calls):
        a.add(b)


def add_in_graph(calls):
    for _ in range(calls):
        leaf.add(b)


def add_number(calls):
    for _ in range(calls):
        a.add(2)


def add_in_place(calls):
    for _ in range(calls):
        a.add_(b)


def view(calls):
    for _ in range(calls):
        a.view(2, 2)


def convolve(calls):
    for _ in range(calls):
        F.conv2d(image, kernel, None, (1, 1), (1, 1), (1, 1), 1)


def shape(calls):
    for _ in range(calls):
        image.shape


def gradient(calls):
    for _ in range(calls):
        weight.grad


def without_graph(many):
    def run(calls):
        with torch.no_grad():
            many(calls)

    return run


cases = {
    "a + b, no graph": without_graph(add),
    "a + b, in a graph": add_in_graph,
    "a + 2, no graph": without_graph(add_number),
    "a += b, no graph": without_graph(add_in_place),
    "view, no graph": without_graph(view),
    "conv2d 1x1x4x4, no graph": without_graph(convolve),
    "shape of a tensor": shape,
    "gradient of a parameter": gradient,
    "Adam step, 96 tensors": repeat(optimizer.step),
    "EMA update, 96 tensors": without_graph(repeat(lambda: torch._foreach_lerp_(averages, weights, 0.001))),
}


def run(request):
    return timed(lambda: cases[request["name"]](request["calls"]))


serve({"run": run})

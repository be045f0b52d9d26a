"""Answers requests that bench/python.mjs sends: one JSON object per line in, one out."""
import json
import sys
import time

import torch


def timed(body, device="cpu"):
    """Wall-clock and processor seconds of `body`, all threads of this process together, and what a GPU still has to do."""
    synchronize(device)
    wall, processor = time.perf_counter(), time.process_time()
    body()
    synchronize(device)
    return {"wall": time.perf_counter() - wall, "processor": time.process_time() - processor}


def synchronize(device):
    if device != "cpu":
        torch.cuda.synchronize(device)


def serve(handlers):
    """Calls `handlers[request["do"]](request)` for every request until standard input ends."""
    handlers = {"version": lambda request: {"version": torch.__version__}, **handlers}
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(handlers[request["do"]](request)), flush=True)

"""Logits of a language model by transformers, for bench/smollm2.mjs: reference.py FOLDER_OR_GGUF OUT, ids from stdin."""
import json
import os
import sys

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

source, out = sys.argv[1:3]
torch.set_num_threads(1)
if source.endswith(".gguf"):
    model = AutoModelForCausalLM.from_pretrained(os.path.dirname(source), gguf_file=os.path.basename(source), dtype=torch.float32)
else:
    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
ids = torch.tensor([json.load(sys.stdin)])
with torch.no_grad():
    save_file({"logits": model(ids).logits.contiguous()}, out)

"""Logits of checkpoints as `transformers` opens them, for the tests: requests as JSON on stdin, answers as JSON on stdout.

A request is {folder, tokenIds, images: [{data, height, width}], rowCount}; its answer is the logits of the last rowCount
positions.
"""

import json
import sys

import torch
import transformers

torch.set_num_threads(1)


def logits(request):
    config = transformers.AutoConfig.from_pretrained(request["folder"])
    kind = transformers.AutoModelForImageTextToText if hasattr(config, "vision_config") else transformers.AutoModelForCausalLM
    # without a dtype, as most users open it: what config.json says must be true
    model = kind.from_pretrained(request["folder"], attn_implementation="eager").eval()
    if request.get("float32"):
        model = model.float()
    inputs = {"input_ids": torch.tensor([request["tokenIds"]])}
    if request["images"]:
        tiles = [torch.tensor(i["data"]).reshape(3, i["height"], i["width"]) for i in request["images"]]
        inputs["pixel_values"] = torch.stack(tiles)[None]
    with torch.no_grad():
        out = model(**inputs, use_cache=False).logits[0, -request["rowCount"] :]
    return {"dtype": str(out.dtype), "logits": out.float().reshape(-1).tolist()}


print(json.dumps([logits(request) for request in json.load(sys.stdin)]))

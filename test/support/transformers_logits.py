"""Logits of checkpoints as `transformers` opens them, for the tests: requests as JSON on stdin, answers as JSON on stdout.

A request is {folder, tokenIds, images: [{data, height, width}], rowCount}; its answer is the logits of the last rowCount
positions.
"""

import json
import sys

import torch
import transformers

torch.set_num_threads(1)


def patches(config, tiles):
    """Patches and grids of images of different sizes, in the order of Qwen2VLImageProcessor."""
    vision = config.vision_config
    size, merge = vision.patch_size, vision.spatial_merge_size
    rows, grids = [], []
    for tile in tiles:
        height, width = tile.shape[1] // size, tile.shape[2] // size
        blocks = tile.reshape(3, height // merge, merge, size, width // merge, merge, size).permute(1, 4, 2, 5, 0, 3, 6)
        frames = blocks.unsqueeze(5).expand(*blocks.shape[:5], vision.temporal_patch_size, *blocks.shape[5:])
        rows.append(frames.reshape(height * width, -1))
        grids.append([1, height, width])
    return {"pixel_values": torch.cat(rows), "image_grid_thw": torch.tensor(grids)}


def logits(request):
    config = transformers.AutoConfig.from_pretrained(request["folder"])
    kind = transformers.AutoModelForImageTextToText if hasattr(config, "vision_config") else transformers.AutoModelForCausalLM
    # without a dtype, as most users load it: the dtype in config.json must be correct
    model = kind.from_pretrained(request["folder"], attn_implementation="eager").eval()
    if request.get("float32"):
        model = model.float()
    inputs = {"input_ids": torch.tensor([request["tokenIds"]])}
    if request["images"]:
        tiles = [torch.tensor(i["data"]).reshape(3, i["height"], i["width"]) for i in request["images"]]
        if config.model_type == "qwen3_vl":
            inputs.update(patches(config, tiles), mm_token_type_ids=(inputs["input_ids"] == config.image_token_id).long())
        else:
            inputs["pixel_values"] = torch.stack(tiles)[None]
    with torch.no_grad():
        out = model(**inputs, use_cache=False).logits[0, -request["rowCount"] :]
    return {"dtype": str(out.dtype), "logits": out.float().reshape(-1).tolist()}


print(json.dumps([logits(request) for request in json.load(sys.stdin)]))

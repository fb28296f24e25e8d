"""Makes the updates of a recorded run again in PyTorch, from its rollouts and rewards, and compares the weights.

Argument: the path of a JSON file {start, adapter, final, out, adam, bannedTokenIds, steps}. `start` and `final` are
checkpoint folders, `adapter` is a folder in PEFT's layout or null; `steps` is a file with a step
{learningRate, temperature, loss, groups} on each line, as the engine got them. Prints one line of JSON per step, then one for the weights; if `out` is not null, writes the
resulting weights there, as safetensors.
"""

import json
import sys

import shape
import peft
import safetensors.torch
import torch
import transformers


def opened(folder):
    config = transformers.AutoConfig.from_pretrained(folder)
    has_images = hasattr(config, "vision_config")
    kind = transformers.AutoModelForImageTextToText if has_images else transformers.AutoModelForCausalLM
    model = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
    # nn.Embedding drops the gradient of this row, although many models end their answers with the token
    model.get_input_embeddings().padding_idx = None
    return model


def log_probs_of(model, group, temperature, banned, pixels):
    """[G, C] of a group's completions, and the mask of their tokens; every completion is a sequence of its own."""
    prompt, completions = group["prompt"]["tokenIds"], [c["tokenIds"] for c in group["completions"]]
    longest = max(map(len, completions))
    rows = torch.tensor([prompt + ids + [0] * (longest - len(ids)) for ids in completions])
    mask = torch.tensor([[True] * len(ids) + [False] * (longest - len(ids)) for ids in completions])
    inputs = {"input_ids": rows, "attention_mask": torch.cat([torch.ones(len(rows), len(prompt)), mask.float()], 1).long()}
    tiles = [pixels[key] for key in group["prompt"]["images"]]
    if tiles:
        inputs["pixel_values"] = torch.stack(tiles)[None].expand(len(rows), -1, -1, -1, -1)
    logits = model(**inputs, logits_to_keep=longest + 1, use_cache=False).logits[:, :-1] / temperature
    logits[..., banned] = -torch.inf
    return torch.log_softmax(logits, -1).gather(2, rows[:, len(prompt) :, None])[..., 0], mask


def per_token(group, mask, field):
    """[G, C]: a value for each token; a single number counts for all tokens of its completion."""
    values = torch.zeros(mask.shape)
    for row, completion in enumerate(group["completions"]):
        count = len(completion["tokenIds"])
        values[row, :count] = torch.as_tensor(completion[field], dtype=torch.float32)
    return values


def token_losses(loss, group, mask, log_probs):
    if loss["name"] == "cross_entropy":
        return -log_probs
    if loss["name"] != "ppo":
        raise ValueError(f"no loss {loss['name']} here")
    advantage, old = per_token(group, mask, "advantage"), per_token(group, mask, "logProbs")
    change = log_probs - old
    if "ratio" in loss:
        whole = (change * mask).sum(1, keepdim=True)
        change = (whole if loss["ratio"] == "sequence" else whole / mask.sum(1, keepdim=True)).expand_as(change)
    ratio = change.exp()
    clipped = ratio.clamp(1 - loss["clipLow"], 1 + loss["clipHigh"])
    if loss.get("clip") == "stop-gradient":
        losses = -clipped.detach() * advantage * log_probs
    else:
        losses = -torch.min(ratio * advantage, clipped * advantage)
    if loss["klCoefficient"] > 0:
        gap = per_token(group, mask, "referenceLogProbs") - log_probs
        losses = losses + loss["klCoefficient"] * (gap.exp() - gap - 1)
    return losses


def replay(work, model, pixels, say):
    adam = work["adam"]
    trained = [p for p in model.parameters() if p.requires_grad]
    # decoupled weight decay is for matrices, not for norm scales and biases
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": adam["weightDecay"]},
        {"params": [p for p in trained if p.ndim == 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=0.0, betas=(adam["beta1"], adam["beta2"]), eps=adam["epsilon"])
    for line in open(work["steps"]):
        step = json.loads(line)
        optimizer.zero_grad(set_to_none=True)
        difference = 0.0
        for group in step["groups"]:
            log_probs, mask = log_probs_of(model, group, step["temperature"], work["bannedTokenIds"], pixels)
            losses = token_losses(step["loss"], group, mask, log_probs) * per_token(group, mask, "tokenWeight")
            losses[mask].sum().backward()
            if "logProbs" in group["completions"][0]:
                gap = (log_probs.detach() - per_token(group, mask, "logProbs"))[mask]
                difference = max(difference, gap.abs().max().item())
        norm = torch.nn.utils.clip_grad_norm_(trained, adam["gradientNormMax"]).item()
        for parameters in optimizer.param_groups:
            parameters["lr"] = step["learningRate"]
        optimizer.step()
        say({"step": step["step"], "gradientNorm": norm, "logProbDifferenceMax": difference})


def main(work, say):
    model = opened(work["start"])
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    if work["adapter"] is not None:
        model = peft.PeftModel.from_pretrained(model, work["adapter"], is_trainable=True)
    pixels = {} if work["pixels"] is None else safetensors.torch.load_file(work["pixels"])
    replay(work, model, pixels, say)
    merged = model if work["adapter"] is None else model.merge_and_unload()
    found = merged.state_dict()
    if work["out"] is not None:
        # tied tensors are stored once
        names = [name for name, _ in merged.named_parameters()]
        safetensors.torch.save_file({name: found[name].detach().contiguous() for name in names}, work["out"])
    if work["final"] is None:
        return
    final = opened(work["final"]).state_dict()
    squares = lambda a, b: sum((a[name].double() - b[name].double()).square().sum().item() for name in start)
    change = squares(final, start) ** 0.5
    say({"change": change, "relativeDifference": squares(final, found) ** 0.5 / change})


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        main(json.load(file), shape.say)

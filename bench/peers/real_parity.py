"""Loss, log-probs, gradients and greedy tokens of a text model by transformers, to compare with ours.

Argument: the path of a JSON file {folder, groups, prompts, tokenCount, bannedTokenIds, gradients}: `groups` are supervised
as in replay.py, `prompts` are continued greedily by `tokenCount` tokens. Writes the gradient of each weight to the file
`gradients`, as safetensors, and prints one line of JSON.
"""

import json
import sys

import replay
import safetensors.torch
import shape
import torch


def main(work):
    model = replay.opened(work["folder"])
    loss, log_probs = 0.0, []
    for group in work["groups"]:
        own, mask = replay.log_probs_of(model, group, 1.0, [], {})
        losses = -own * replay.per_token(group, mask, "tokenWeight")
        losses[mask].sum().backward()
        loss += losses[mask].sum().item()
        log_probs += own[mask].tolist()
    gradients = {name: weight.grad.contiguous() for name, weight in model.named_parameters()}
    safetensors.torch.save_file(gradients, work["gradients"])
    greedy = []
    with torch.no_grad():
        for prompt in work["prompts"]:
            ids = torch.tensor([prompt])
            made = model.generate(
                ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=work["tokenCount"],
                suppress_tokens=work["bannedTokenIds"],
            )
            greedy.append(made[0, len(prompt) :].tolist())
    shape.say({"loss": loss, "logProbs": log_probs, "greedy": greedy})


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        main(json.load(file))

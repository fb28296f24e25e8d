"""Greedy answers and log-probs of an exported run by transformers and PEFT, to compare with ours.

Argument: the path of a JSON file {checkpoint, base, adapter, prompts, answers, tokenCountMax, bannedTokenIds}: `checkpoint`
is opened by transformers; `adapter`, if not null, by PEFT on the checkpoint `base`. Prints one line of JSON for each
library, {"library", "greedy", "logProbs"}: its own greedy tokens by prompt, and its log-probs of the tokens in `answers`.
"""

import json
import sys

import replay
import shape
import peft
import torch


def answers_of(model, work):
    greedy, log_probs = [], []
    with torch.no_grad():
        for prompt, answer in zip(work["prompts"], work["answers"]):
            ids = torch.tensor([prompt])
            made = model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False,
                max_new_tokens=work["tokenCountMax"], suppress_tokens=work["bannedTokenIds"],
            )
            greedy.append(made[0, len(prompt) :].tolist())
            group = {"prompt": {"tokenIds": prompt, "images": []}, "completions": [{"tokenIds": answer}]}
            own, _ = replay.log_probs_of(model, group, 1.0, work["bannedTokenIds"], {})
            log_probs.append(own[0].tolist())
    return {"greedy": greedy, "logProbs": log_probs}


def main(work):
    shape.say({"library": "transformers", **answers_of(replay.opened(work["checkpoint"]), work)})
    if work["adapter"] is not None:
        model = peft.PeftModel.from_pretrained(replay.opened(work["base"]), work["adapter"])
        shape.say({"library": "peft", **answers_of(model, work)})


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        main(json.load(file))

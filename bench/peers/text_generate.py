"""Rollouts of a text model from its folder by `transformers` generate with its cache, once per line `step` of stdin.

Argument: JSON with folder, prompts (texts of user turns), groupSize, completionTokenCount. Every completion has the
maximum number of tokens. Prints {"versions"} once ready, then {"rolloutMs", "tokenCount"} per call.
"""

import sys
import time

import shape
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


@torch.no_grad()
def main(work):
    model = AutoModelForCausalLM.from_pretrained(work["folder"], dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(work["folder"], padding_side="left")
    turns = [[{"role": "user", "content": text}] for text in work["prompts"]]
    batch = tokenizer.apply_chat_template(turns, add_generation_prompt=True, padding=True, return_tensors="pt", return_dict=True)
    count, prompt_token_count = work["completionTokenCount"], batch["input_ids"].shape[1]
    shape.ready()
    for _ in shape.commands():
        started = time.perf_counter()
        tokens = model.generate(
            **batch, num_return_sequences=work["groupSize"], do_sample=True, temperature=1.0, top_k=0, use_cache=True,
            max_new_tokens=count, min_new_tokens=count, suppress_tokens=[tokenizer.eos_token_id],
        )
        shape.say({"rolloutMs": 1e3 * (time.perf_counter() - started), "tokenCount": tokens.shape[0] * (tokens.shape[1] - prompt_token_count)})


if __name__ == "__main__":
    main(shape.work_of(sys.argv))

"""Rollouts by `transformers` generate with its key-value cache, once per line `step` of stdin.

Every completion has the maximum number of tokens. Prints {"versions"} once ready, then {"rolloutMs", "tokenCount"} per
call.
"""

import sys
import time

import shape
import torch


@torch.no_grad()
def main(work):
    model = shape.model_of(work["folder"]).eval()
    batch = shape.encoded(shape.processor_of(model), shape.prompts_of(model, work["promptCount"], work["wordCount"]))
    count, prompt_token_count = work["completionTokenCount"], batch["input_ids"].shape[1]
    shape.ready()
    for _ in shape.commands():
        started = time.perf_counter()
        tokens = model.generate(
            **batch, num_return_sequences=work["groupSize"], do_sample=True, temperature=1.0, top_k=0, use_cache=True,
            max_new_tokens=count, min_new_tokens=count, suppress_tokens=[shape.IMAGE, shape.STOP],
        )
        shape.say({"rolloutMs": 1e3 * (time.perf_counter() - started), "tokenCount": tokens.shape[0] * (tokens.shape[1] - prompt_token_count)})


if __name__ == "__main__":
    main(shape.work_of(sys.argv))

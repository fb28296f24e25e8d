"""The update alone in PyTorch, once per line `step` of stdin: a clipped policy gradient over given completions, AdamW.

A row holds a prompt, its image and one completion, as trainers batch them. Prints {"versions"} once ready, then
{"trainMs"} per step.
"""

import sys
import time

import shape
import torch


def main(work):
    model = shape.model_of(work["folder"])
    batch = shape.encoded(shape.processor_of(model), shape.prompts_of(model, work["promptCount"], work["wordCount"]))
    batch = {name: tensor.repeat_interleave(work["groupSize"], 0) for name, tensor in batch.items()}
    rows, count = batch["input_ids"].shape[0], work["completionTokenCount"]
    completions = torch.randint(len(shape.SPECIAL), model.config.text_config.vocab_size, (rows, count))
    inputs = dict(
        input_ids=torch.cat([batch["input_ids"], completions], 1),
        attention_mask=torch.cat([batch["attention_mask"], torch.ones_like(completions)], 1),
        pixel_values=batch["pixel_values"], pixel_attention_mask=batch["pixel_attention_mask"],
    )
    advantages, old = torch.randn(rows, 1), torch.full((rows, count), -6.0)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    model.train()
    shape.ready()
    for _ in shape.commands():
        started = time.perf_counter()
        logits = model(**inputs, logits_to_keep=count + 1, use_cache=False).logits[:, :-1]
        log_probs = torch.log_softmax(logits, -1).gather(2, completions[..., None])[..., 0]
        ratio = (log_probs - old).exp()
        gain = torch.min(ratio * advantages, ratio.clamp(0.8, 1.2) * advantages)
        optimizer.zero_grad(set_to_none=True)
        (-gain.mean()).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        shape.say({"trainMs": 1e3 * (time.perf_counter() - started)})


if __name__ == "__main__":
    main(shape.work_of(sys.argv))

"""Whole GRPO steps by TRL's GRPOTrainer on a text model from its folder, one per line `step` of stdin.

Argument: JSON with folder, prompts (texts of user turns), promptCount, groupSize, completionTokenCount, lora ({rank,
alpha, modules} or null for all weights). Every completion has the maximum number of tokens. Prints {"versions"} once
ready, then {"rolloutMs", "trainMs", "stepMs", "peakByteLength"} per step; the first steps are slower.
"""

import json
import os
import resource
import sys
import time

THREADS = 2
os.environ["OMP_NUM_THREADS"] = str(THREADS)
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import peft
import torch
import transformers
import trl
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

torch.set_num_threads(THREADS)


def reward(completions, completion_ids=None, **_):
    return [sum(token % 2 for token in tokens) / max(1, len(tokens)) for tokens in completion_ids]


class Commanded(TrainerCallback):
    """Waits for the next line at the end of each step: a step's time includes everything that the trainer does."""

    def __init__(self):
        self.rollout_ms = 0.0

    def wait(self, control):
        if sys.stdin.readline().strip() != "step":
            control.should_training_stop = True
        self.rollout_ms, self.started = 0.0, time.perf_counter()
        return control

    def on_train_begin(self, args, state, control, **_):
        return self.wait(control)

    def on_step_end(self, args, state, control, **_):
        step_ms = 1e3 * (time.perf_counter() - self.started)
        peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        say({"rolloutMs": self.rollout_ms, "trainMs": step_ms - self.rollout_ms, "stepMs": step_ms, "peakByteLength": peak})
        return self.wait(control)


def main(work):
    model = AutoModelForCausalLM.from_pretrained(work["folder"], dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(work["folder"], padding_side="left")
    count, lora = work["completionTokenCount"], work["lora"]
    config = GRPOConfig(
        output_dir="trl_out", per_device_train_batch_size=work["promptCount"] * work["groupSize"], gradient_accumulation_steps=1,
        num_generations=work["groupSize"], max_completion_length=count, max_steps=100_000, learning_rate=1e-4, use_cpu=True,
        bf16=False, logging_strategy="no", report_to="none", save_strategy="no", gradient_checkpointing=False, temperature=1.0,
        beta=0.0, dataloader_num_workers=0, disable_tqdm=True,
        generation_kwargs={"min_new_tokens": count, "suppress_tokens": [tokenizer.eos_token_id]},
    )
    adapters = lora and peft.LoraConfig(r=lora["rank"], lora_alpha=lora["alpha"], target_modules=lora["modules"])
    commanded = Commanded()
    trainer = GRPOTrainer(
        model=model, reward_funcs=reward, args=config, processing_class=tokenizer, callbacks=[commanded], peft_config=adapters,
        train_dataset=Dataset.from_list([{"prompt": [{"role": "user", "content": text}]} for text in work["prompts"]]),
    )
    generate = trainer._generate

    def timed(*args, **kwargs):
        started = time.perf_counter()
        result = generate(*args, **kwargs)
        commanded.rollout_ms += 1e3 * (time.perf_counter() - started)
        return result

    trainer._generate = timed
    say({"versions": {"torch": torch.__version__, "transformers": transformers.__version__, "trl": trl.__version__, "peft": peft.__version__}})
    trainer.train()


def say(value):
    print(json.dumps(value), file=OUT, flush=True)


# Libraries may print to stdout: answers go to a duplicate of the original stdout descriptor.
OUT = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

if __name__ == "__main__":
    main(json.loads(sys.argv[1]))

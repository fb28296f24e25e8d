"""Whole GRPO steps by TRL's GRPOTrainer on a text model from its folder, one per line `step` of stdin.

Argument: JSON with folder, prompts (texts of user turns), promptCount, groupSize, completionTokenCount, lora ({rank,
alpha, modules} or null for all weights). Every completion has the maximum number of tokens. Prints {"versions"} once
ready, then {"rolloutMs", "trainMs", "stepMs", "peakByteLength"} per step; the first steps are slower.
"""

import resource
import sys

import shape
import peft
import torch
import trl
from commanded import Commanded, reward
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import GRPOConfig, GRPOTrainer


def memory():
    return {"peakByteLength": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


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
    commanded = Commanded(memory)
    trainer = GRPOTrainer(
        model=model, reward_funcs=reward, args=config, processing_class=tokenizer, callbacks=[commanded], peft_config=adapters,
        train_dataset=Dataset.from_list([{"prompt": [{"role": "user", "content": text}]} for text in work["prompts"]]),
    )
    commanded.time_rollouts(trainer)
    shape.ready(trl=trl.__version__, peft=peft.__version__)
    trainer.train()


if __name__ == "__main__":
    main(shape.work_of(sys.argv))

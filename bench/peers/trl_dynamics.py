"""Trains a text judge by TRL's GRPOTrainer on given rows and rewards, for `npm run bench -- dynamics`.

Argument: the path of a JSON file {folder, out, rows, labels, seed, stepCount, promptCount, groupSize,
completionTokenCount, learningRate, warmupStepCount, adam, lora, formatWeight}; `rows` are
those of all steps in order, each {text, label}. Prints one line
of JSON per step, {"step", "reward"}, and writes the trained model, adapters merged, to `out`.
"""

import json
import re
import sys

import shape
import peft
import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

ANSWER = re.compile(r"\s*<answer>([^<]*)</answer>\s*")


def reward_of(work, text, ended, label):
    """R = (1 - a) accuracy + a format, 0 for an answer that cannot be read strictly."""
    found = ANSWER.fullmatch(text)
    if not ended or found is None or found[1].strip() not in work["labels"]:
        return 0.0
    return (1 - work["formatWeight"]) * (found[1].strip() == label) + work["formatWeight"]


class Told(TrainerCallback):
    def on_log(self, args, state, control, logs=None, **_):
        if logs and "reward" in logs:
            shape.say({"step": state.global_step - 1, "reward": logs["reward"]})


def main(work):
    model = AutoModelForCausalLM.from_pretrained(work["folder"], dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(work["folder"], padding_side="left")
    lora, adam = work["lora"], work["adam"]

    def reward(completions, completion_ids, label, **_):
        texts = [completion[0]["content"] for completion in completions]
        ended = [ids[-1] == tokenizer.eos_token_id for ids in completion_ids]
        return [reward_of(work, *each) for each in zip(texts, ended, label)]

    config = GRPOConfig(
        output_dir=work["out"] + "-trl", seed=work["seed"], per_device_train_batch_size=work["promptCount"] * work["groupSize"],
        gradient_accumulation_steps=1, num_generations=work["groupSize"], max_completion_length=work["completionTokenCount"],
        max_steps=work["stepCount"], learning_rate=work["learningRate"], lr_scheduler_type="constant_with_warmup",
        warmup_steps=work["warmupStepCount"], adam_beta1=adam["beta1"], adam_beta2=adam["beta2"], adam_epsilon=adam["epsilon"],
        weight_decay=adam["weightDecay"], max_grad_norm=adam["gradientNormMax"], use_cpu=True, bf16=False, logging_steps=1,
        report_to="none", save_strategy="no", gradient_checkpointing=False, temperature=1.0, beta=0.0, loss_type="dapo",
        dataloader_num_workers=0, disable_tqdm=True, shuffle_dataset=False,
    )
    rows = [{"prompt": [{"role": "user", "content": row["text"]}], "label": row["label"]} for row in work["rows"]]
    trainer = GRPOTrainer(
        model=model, reward_funcs=reward, args=config, processing_class=tokenizer, callbacks=[Told()],
        peft_config=lora and peft.LoraConfig(r=lora["rank"], lora_alpha=lora["alpha"], target_modules=lora["modules"]),
        train_dataset=Dataset.from_list(rows),
    )
    trainer.train()
    trained = trainer.model.merge_and_unload() if lora else trainer.model
    trained.save_pretrained(work["out"])


if __name__ == "__main__":
    with open(sys.argv[1]) as file:
        main(json.load(file))

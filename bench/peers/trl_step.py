"""Whole GRPO steps by TRL's GRPOTrainer on Idefics3, one per line `step` of stdin.

Prints {"versions"} once ready, then {"rolloutMs", "trainMs", "stepMs", "promptTokenCount", "completionTokenCountMean"}
per step; trainMs is the step time without generation. Nothing is compiled, but the first steps are slower: the caller
drops them.
"""

import sys
import time

import shape
import trl
from datasets import Dataset
from transformers import TrainerCallback
from trl import GRPOConfig, GRPOTrainer


def reward(completions, completion_ids=None, **_):
    return [sum(token % 2 for token in tokens) / max(1, len(tokens)) for tokens in completion_ids]


class Commanded(TrainerCallback):
    """Waits for the next command at the end of each step: a step's time includes everything that the trainer does."""

    def __init__(self):
        self.commands = shape.commands()
        self.rollout_ms = 0.0

    def wait(self, control):
        if next(self.commands, "end") == "end":
            control.should_training_stop = True
        self.rollout_ms, self.started = 0.0, time.perf_counter()
        return control

    def on_train_begin(self, args, state, control, **_):
        return self.wait(control)

    def on_step_end(self, args, state, control, **_):
        step_ms = 1e3 * (time.perf_counter() - self.started)
        shape.say({"rolloutMs": self.rollout_ms, "trainMs": step_ms - self.rollout_ms, "stepMs": step_ms, **self.lengths})
        return self.wait(control)


def main(work):
    model = shape.model_of(work["folder"])
    row_count = work["promptCount"] * work["groupSize"]
    config = GRPOConfig(
        output_dir="trl_out", per_device_train_batch_size=row_count, gradient_accumulation_steps=1, num_generations=work["groupSize"],
        max_completion_length=work["completionTokenCount"], max_steps=100_000, learning_rate=1e-4, use_cpu=True, bf16=False,
        logging_strategy="no", report_to="none", save_strategy="no", gradient_checkpointing=False, temperature=1.0, beta=0.0,
        dataloader_num_workers=0, disable_tqdm=True, generation_kwargs={"suppress_tokens": [shape.IMAGE]},
    )
    commanded = Commanded()
    trainer = GRPOTrainer(
        model=model, reward_funcs=reward, args=config, train_dataset=Dataset.from_list(shape.prompts_of(model, 64, work["wordCount"])),
        processing_class=shape.processor_of(model), callbacks=[commanded],
    )
    generate, score = trainer._generate, trainer._generate_and_score_completions

    def timed(*args, **kwargs):
        started = time.perf_counter()
        result = generate(*args, **kwargs)
        commanded.rollout_ms += 1e3 * (time.perf_counter() - started)
        return result

    def measured(*args, **kwargs):
        result = score(*args, **kwargs)
        lengths = result["completion_mask"].sum(1).float()
        commanded.lengths = {"promptTokenCount": int(result["prompt_mask"].sum(1).max()), "completionTokenCountMean": lengths.mean().item()}
        return result

    trainer._generate, trainer._generate_and_score_completions = timed, measured
    shape.ready(trl=trl.__version__)
    trainer.train()


if __name__ == "__main__":
    main(shape.work_of(sys.argv))

"""Whole GRPO steps by TRL's GRPOTrainer on Idefics3, one per line `step` of stdin.

Prints {"versions"} once ready, then {"rolloutMs", "trainMs", "stepMs", "promptTokenCount", "completionTokenCountMean"}
per step; trainMs is the step time without generation. Nothing is compiled, but the first steps are slower: the caller
drops them.
"""

import sys

import shape
import trl
from commanded import Commanded, reward
from datasets import Dataset
from trl import GRPOConfig, GRPOTrainer


def main(work):
    model = shape.model_of(work["folder"])
    row_count = work["promptCount"] * work["groupSize"]
    config = GRPOConfig(
        output_dir="trl_out", per_device_train_batch_size=row_count, gradient_accumulation_steps=1, num_generations=work["groupSize"],
        max_completion_length=work["completionTokenCount"], max_steps=100_000, learning_rate=1e-4, use_cpu=True, bf16=False,
        logging_strategy="no", report_to="none", save_strategy="no", gradient_checkpointing=False, temperature=1.0, beta=0.0,
        dataloader_num_workers=0, disable_tqdm=True, generation_kwargs={"suppress_tokens": [shape.IMAGE]},
    )
    lengths = {}
    commanded = Commanded(lambda: lengths)
    trainer = GRPOTrainer(
        model=model, reward_funcs=reward, args=config, train_dataset=Dataset.from_list(shape.prompts_of(model, 64, work["wordCount"])),
        processing_class=shape.processor_of(model), callbacks=[commanded],
    )
    score = trainer._generate_and_score_completions

    def measured(*args, **kwargs):
        result = score(*args, **kwargs)
        mean = result["completion_mask"].sum(1).float().mean().item()
        lengths.update(promptTokenCount=int(result["prompt_mask"].sum(1).max()), completionTokenCountMean=mean)
        return result

    trainer._generate_and_score_completions = measured
    commanded.time_rollouts(trainer)
    shape.ready(trl=trl.__version__)
    trainer.train()


if __name__ == "__main__":
    main(shape.work_of(sys.argv))

"""Runs TRL's GRPOTrainer one step for each line `step` of stdin, and times the parts of a step."""

import time

import shape
from transformers import TrainerCallback


def reward(completions, completion_ids=None, **_):
    return [sum(token % 2 for token in tokens) / max(1, len(tokens)) for tokens in completion_ids]


class Commanded(TrainerCallback):
    """Waits for the next command at the end of each step: a step's time includes everything that the trainer does.

    Prints {"rolloutMs", "trainMs", "stepMs"} per step, with what `measure` returns; trainMs is the step time without
    generation.
    """

    def __init__(self, measure):
        self.commands = shape.commands()
        self.measure = measure
        self.rollout_ms = 0.0

    def time_rollouts(self, trainer):
        generate = trainer._generate

        def timed(*args, **kwargs):
            started = time.perf_counter()
            result = generate(*args, **kwargs)
            self.rollout_ms += 1e3 * (time.perf_counter() - started)
            return result

        trainer._generate = timed

    def wait(self, control):
        if next(self.commands, "end") == "end":
            control.should_training_stop = True
        self.rollout_ms, self.started = 0.0, time.perf_counter()
        return control

    def on_train_begin(self, args, state, control, **_):
        return self.wait(control)

    def on_step_end(self, args, state, control, **_):
        step_ms = 1e3 * (time.perf_counter() - self.started)
        shape.say({"rolloutMs": self.rollout_ms, "trainMs": step_ms - self.rollout_ms, "stepMs": step_ms, **self.measure()})
        return self.wait(control)

"""A model of a shape with random weights, its processor, and prompts for it: shared by the peers in this folder.

A shape is a folder with an Idefics3 config.json (bench/shapes.ts). Each word is one token, so that prompts have the
same lengths as on our side: an image of noise and `wordCount` words.
"""

import json
import os
import sys

THREADS = 2
os.environ["OMP_NUM_THREADS"] = str(THREADS)
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TRANSFORMERS_VERBOSITY"] = "error"

import numpy as np
import torch
import transformers
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    Idefics3ImageProcessor,
    Idefics3Processor,
    PreTrainedTokenizerFast,
)

torch.set_num_threads(THREADS)

SPECIAL = ["<pad>", "<s>", "</s>", "<unk>", "<image>", "<fake_token_around_image>", "<global-img>", "<end_of_utterance>", "User:", "Assistant:"]
PAD, STOP, IMAGE = 0, 2, 4
IMAGE_SIDE, IMAGE_TOKEN_COUNT = 64, 16
TEMPLATE = (
    "{% for m in messages %}{{ 'User: ' if m['role']=='user' else 'Assistant: ' }}"
    "{% for c in m['content'] %}{% if c['type']=='image' %}{{ '<image>' }}{% else %}{{ c['text'] }}{% endif %}{{ ' ' }}{% endfor %}"
    "{{ '<end_of_utterance> ' }}{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)


def model_of(folder):
    config = Idefics3Config.from_pretrained(folder)
    torch.manual_seed(0)
    model = Idefics3ForConditionalGeneration(config)
    model.generation_config.eos_token_id, model.generation_config.pad_token_id = STOP, PAD
    return model


def processor_of(model):
    words = [f"w{i}" for i in range(model.config.text_config.vocab_size - len(SPECIAL))]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(SPECIAL + words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>", unk_token="<unk>",
        additional_special_tokens=SPECIAL[4:8], extra_special_tokens=None, padding_side="left",
    )
    edge = {"longest_edge": IMAGE_SIDE}
    images = Idefics3ImageProcessor(do_image_splitting=False, size=edge, max_image_size=edge, do_resize=True)
    return Idefics3Processor(images, fast, image_seq_len=IMAGE_TOKEN_COUNT, chat_template=TEMPLATE)


def prompts_of(model, count, word_count):
    random = np.random.RandomState(0)
    vocabulary = model.config.text_config.vocab_size
    return [
        {
            "prompt": [{"role": "user", "content": " ".join(f"w{i}" for i in random.randint(0, vocabulary - len(SPECIAL), word_count))}],
            "image": Image.fromarray(random.randint(0, 255, (IMAGE_SIDE, IMAGE_SIDE, 3), dtype=np.uint8)),
        }
        for _ in range(count)
    ]


def encoded(processor, prompts):
    """Returns input_ids, attention_mask, pixel_values and pixel_attention_mask of prompts of equal length."""
    messages = [
        [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": prompt["prompt"][0]["content"]}]}] for prompt in prompts
    ]
    texts = processor.apply_chat_template(messages, add_generation_prompt=True)
    return processor(text=texts, images=[[prompt["image"]] for prompt in prompts], return_tensors="pt", padding=True)


def work_of(arguments):
    """The script's only argument: JSON with folder, promptCount, groupSize, wordCount and completionTokenCount."""
    return json.loads(arguments[1])


def say(value):
    print(json.dumps(value), file=OUT, flush=True)


def ready(**versions):
    say({"versions": {"torch": torch.__version__, "transformers": transformers.__version__, **versions}, "threadCount": torch.get_num_threads()})


def commands():
    """Yields once per line `step`; raises on any other line."""
    for line in sys.stdin:
        if line.strip() != "step":
            raise ValueError(f"unknown command: {line.strip()}")
        yield


# Libraries may print to stdout: answers go to a duplicate of the original stdout descriptor.
OUT = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

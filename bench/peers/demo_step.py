"""One GRPO step of the demo model in PyTorch: the peer that `npm run bench` times beside this project.

The model is the demo's: a ViT (patch 4, width 64, 3 layers, 4 heads, ffn 256) over 32x32 images, pixel shuffle by 2 and a linear
connector to 16 image tokens, and a Llama decoder (width 96, 4 layers, 4 heads, ffn 256, RMSNorm, RoPE, SwiGLU, tied head, 72 words).

A step samples 8 completions for each of 16 prompts (each prompt is prefilled once; keys and values are written in place), then takes
one clipped GRPO gradient step with AdamW. Completion lengths are given, so that both sides do the same amount of work:
each row is forced to end at its length, and the loop runs to the longest one. Rewards are drawn at random: only the
cost is measured, not learning.

    demo_step.py JSON

JSON: {"promptTokenCounts": [16 numbers], "completionTokenCounts": [128 numbers], "layout": "naive" or "shared"}
    promptTokenCounts include the image's 19 tokens; completionTokenCounts include the end token; completions are in prompt order
Prints {"versions"} once ready, then per line `step` of stdin {"rolloutMs", "trainMs", "stepMs", "loss",
"gradientNorm"}.
layout: naive repeats the prompt for every completion in the training pass, as trainers commonly do (each image is
    encoded once per prompt);
    shared runs the prompt once per group and lets its completions attend to it, with the same gradients
Optional members of JSON, with other counts of prompts and completions:
    sizes: sizes of another model, by the names in DEMO below
    device: of PyTorch; cpu by default
    threadCount: 1 by default
It needs PyTorch alone.
"""

import json
import os
import sys
import time

ARGUMENTS = json.loads(sys.argv[1])
THREADS = ARGUMENTS.get("threadCount", 1)
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = str(THREADS)

import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(THREADS)
DEVICE = ARGUMENTS.get("device", "cpu")
torch.set_default_device(DEVICE)

DEMO = dict(
    vocabulary=72, imageSide=32, patch=4, shuffle=2, visionWidth=64, visionLayers=3, visionHeads=4, visionFfn=256,
    width=96, layers=4, heads=4, keyValueHeads=4, ffn=256,
)
SIZES = {**DEMO, **ARGUMENTS.get("sizes", {})}
GROUP_COUNT = len(ARGUMENTS["promptTokenCounts"])
GROUP_SIZE = len(ARGUMENTS["completionTokenCounts"]) // GROUP_COUNT
PAD, BOS, EOS, IMAGE, FAKE, GLOBAL = 0, 1, 2, 3, 4, 5
VOCABULARY, IMAGE_SIDE, PATCH, SHUFFLE = (SIZES[name] for name in ("vocabulary", "imageSide", "patch", "shuffle"))
GRID = IMAGE_SIDE // PATCH
IMAGE_TOKEN_COUNT = (GRID // SHUFFLE) ** 2
VISION_WIDTH, VISION_LAYERS, VISION_HEADS, VISION_FFN = (SIZES[f"vision{name}"] for name in ("Width", "Layers", "Heads", "Ffn"))
WIDTH, LAYERS, HEADS, KEY_VALUE_HEADS, FFN = (SIZES[name] for name in ("width", "layers", "heads", "keyValueHeads", "ffn"))
KEY_VALUE_WIDTH = WIDTH // HEADS * KEY_VALUE_HEADS
THETA, EPSILON = 10_000.0, 1e-5
TEMPERATURE, CLIP, LEARNING_RATE, NORM_MAX = 1.0, 0.2, 2e-4, 1.0


def split_heads(x, heads):
    batch, count, width = x.shape
    return x.view(batch, count, heads, width // heads).transpose(1, 2)


def join_heads(x):
    return x.transpose(1, 2).flatten(2)


class VisionLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = (nn.LayerNorm(VISION_WIDTH, eps=1e-6) for _ in range(2))
        self.qkv, self.out = nn.Linear(VISION_WIDTH, 3 * VISION_WIDTH), nn.Linear(VISION_WIDTH, VISION_WIDTH)
        self.up, self.down = nn.Linear(VISION_WIDTH, VISION_FFN), nn.Linear(VISION_FFN, VISION_WIDTH)

    def forward(self, x):
        q, k, v = (split_heads(t, VISION_HEADS) for t in self.qkv(self.norm1(x)).chunk(3, -1))
        x = x + self.out(join_heads(F.scaled_dot_product_attention(q, k, v)))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class Vision(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, VISION_WIDTH, PATCH, PATCH)
        self.positions = nn.Parameter(0.02 * torch.randn(GRID * GRID, VISION_WIDTH))
        self.layers = nn.ModuleList(VisionLayer() for _ in range(VISION_LAYERS))
        self.norm = nn.LayerNorm(VISION_WIDTH, eps=1e-6)
        self.connector = nn.Linear(VISION_WIDTH * SHUFFLE**2, WIDTH, bias=False)

    def forward(self, pixels):  # (N, 3, 32, 32) -> (N, 16, width)
        x = self.patches(pixels).flatten(2).transpose(1, 2) + self.positions
        for layer in self.layers:
            x = layer(x)
        side = GRID // SHUFFLE
        x = self.norm(x).view(-1, side, SHUFFLE, side, SHUFFLE, VISION_WIDTH).transpose(2, 3).reshape(-1, side * side, SHUFFLE**2 * VISION_WIDTH)
        return self.connector(x)


class DecoderLayer(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.norm2 = (nn.Parameter(torch.ones(WIDTH)) for _ in range(2))
        self.qkv, self.out = nn.Linear(WIDTH, WIDTH + 2 * KEY_VALUE_WIDTH, bias=False), nn.Linear(WIDTH, WIDTH, bias=False)
        self.gate_up, self.down = nn.Linear(WIDTH, 2 * FFN, bias=False), nn.Linear(FFN, WIDTH, bias=False)

    def heads(self, x, rotation):
        projected = self.qkv(F.rms_norm(x, (WIDTH,), self.norm1, EPSILON)).split((WIDTH, KEY_VALUE_WIDTH, KEY_VALUE_WIDTH), -1)
        q, k, v = (split_heads(t, heads) for t, heads in zip(projected, (HEADS, KEY_VALUE_HEADS, KEY_VALUE_HEADS)))
        return rotate(q, rotation), rotate(k, rotation), v

    def rest(self, x, q, k, v, mask):
        k, v = for_all_heads(k), for_all_heads(v)
        x = x + self.out(join_heads(F.scaled_dot_product_attention(q, k, v, attn_mask=mask)))
        gate, up = self.gate_up(F.rms_norm(x, (WIDTH,), self.norm2, EPSILON)).chunk(2, -1)
        return x + self.down(F.silu(gate) * up)


def for_all_heads(x):
    return x if KEY_VALUE_HEADS == HEADS else x.repeat_interleave(HEADS // KEY_VALUE_HEADS, 1)


def rotate(x, rotation):
    cos, sin = rotation
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def spread(x):
    """Repeats each prompt's rows for its completions: (B, ...) -> (B*G, ...), in prompt order."""
    return x.repeat_interleave(GROUP_SIZE, 0)


class Judge(nn.Module):
    def __init__(self):
        super().__init__()
        self.vision = Vision()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.layers = nn.ModuleList(DecoderLayer() for _ in range(LAYERS))
        self.norm = nn.Parameter(torch.ones(WIDTH))
        half = WIDTH // HEADS // 2
        self.register_buffer("frequencies", THETA ** (-torch.arange(half).float() / half), persistent=False)
        banned = torch.zeros(VOCABULARY)
        banned[[PAD, BOS, IMAGE, FAKE, GLOBAL]] = -1e9
        self.register_buffer("banned", banned, persistent=False)
        for name, p in self.named_parameters():
            if p.dim() >= 2 and "positions" not in name:
                nn.init.normal_(p, std=0.02)

    def embed(self, ids, features):
        x = self.embedding(ids)
        return x.masked_scatter((ids == IMAGE)[..., None], features)

    def rotation(self, positions):  # (B, T) -> cos and sin of (B, 1, T, half)
        angles = positions[:, None, :, None] * self.frequencies
        return angles.cos(), angles.sin()

    def head(self, x):
        return F.linear(F.rms_norm(x, (WIDTH,), self.norm, EPSILON), self.embedding.weight) + self.banned


def causal(keep):
    """Causal mask over left-padded rows; padding attends to itself, so that no softmax row is empty."""
    count = keep.shape[1]
    lower = torch.ones(count, count, dtype=torch.bool).tril()
    return ((lower & keep[:, None, :]) | torch.eye(count, dtype=torch.bool))[:, None]


def place(keep):
    return (keep.cumsum(1) - 1).clamp(min=0).float()


class Work:
    """Fixed inputs of a step: prompts of the given lengths with random images and words."""

    def __init__(self, lengths, generator):
        prompt_counts, self.completion_counts = lengths["promptTokenCounts"], torch.tensor(lengths["completionTokenCounts"])
        assert len(prompt_counts) == GROUP_COUNT and len(self.completion_counts) == GROUP_COUNT * GROUP_SIZE
        assert min(prompt_counts) >= IMAGE_TOKEN_COUNT + 5 and self.completion_counts.min() >= 1
        image = [FAKE, GLOBAL, *[IMAGE] * IMAGE_TOKEN_COUNT, FAKE]
        longest, self.completion_count_max = max(prompt_counts), int(self.completion_counts.max())
        rows = []
        for count in prompt_counts:
            words = torch.randint(8, VOCABULARY, (count - len(image) - 1,), generator=generator).tolist()
            rows.append([PAD] * (longest - count) + [BOS, *image, *words])
        self.ids = torch.tensor(rows)
        self.pixels = torch.rand(GROUP_COUNT, 3, IMAGE_SIDE, IMAGE_SIDE, generator=generator) * 2 - 1


@torch.no_grad()
def rollout(model, work, generator):
    """Samples completions; returns tokens and their log-probs, both (B*G, C)."""
    ids, count_max = work.ids, work.completion_count_max
    prompt_count, rows = ids.shape[1], GROUP_COUNT * GROUP_SIZE
    keep = ids != PAD
    positions = place(keep)
    mask, rotation = causal(keep), model.rotation(positions)
    x = model.embed(ids, model.vision(work.pixels))
    caches = []
    for layer in model.layers:
        q, k, v = layer.heads(x, rotation)
        x = layer.rest(x, q, k, v, mask)
        cache = torch.empty(2, rows, KEY_VALUE_HEADS, prompt_count + count_max, WIDTH // HEADS)
        cache[0, :, :, :prompt_count], cache[1, :, :, :prompt_count] = spread(k), spread(v)
        caches.append(cache)
    logits = spread(model.head(x[:, -1]))
    seen = torch.ones(rows, 1, 1, prompt_count + count_max, dtype=torch.bool)
    seen[:, 0, 0, :prompt_count] = spread(keep)
    position = spread(positions[:, -1:])
    tokens, log_probs = torch.full((rows, count_max), PAD), torch.zeros(rows, count_max)
    for t in range(count_max):
        log_p = F.log_softmax(logits / TEMPERATURE, -1)
        sampled = torch.multinomial(log_p.exp(), 1, generator=generator)[:, 0]
        # replaces an early end token by a word, forces the end token at the given length, and pads after it
        sampled = torch.where(sampled == EOS, 8, sampled)
        sampled = torch.where(work.completion_counts == t + 1, EOS, sampled)
        sampled = torch.where(work.completion_counts <= t, PAD, sampled)
        tokens[:, t] = sampled
        log_probs[:, t] = log_p.gather(1, sampled[:, None])[:, 0]
        if t == count_max - 1:
            break
        position = position + 1
        rotation, end = model.rotation(position), prompt_count + t + 1
        x = model.embedding(sampled)[:, None]
        for layer, cache in zip(model.layers, caches):
            q, k, v = layer.heads(x, rotation)
            cache[0, :, :, end - 1 : end], cache[1, :, :, end - 1 : end] = k, v
            x = layer.rest(x, q, cache[0, :, :, :end], cache[1, :, :, :end], seen[..., :end])
        logits = model.head(x[:, 0])
    return tokens, log_probs


def completion_logits_naive(model, work, tokens):
    """Repeats the prompt for every completion; computes logits only where a completion token is predicted."""
    ids = torch.cat([spread(work.ids), tokens[:, :-1]], 1)
    keep = ids != PAD
    mask, rotation = causal(keep), model.rotation(place(keep))
    x = model.embed(ids, spread(model.vision(work.pixels)))
    for layer in model.layers:
        q, k, v = layer.heads(x, rotation)
        x = layer.rest(x, q, k, v, mask)
    return model.head(x[:, work.ids.shape[1] - 1 :])


def completion_logits_shared(model, work, tokens):
    """Runs the prompt once; completions attend to its keys and values and their own."""
    keep, own_keep = work.ids != PAD, tokens[:, :-1] != PAD
    positions = place(keep)
    mask, rotation = causal(keep), model.rotation(positions)
    own_positions = spread(positions[:, -1:]) + 1 + torch.arange(tokens.shape[1] - 1)
    own_rotation = model.rotation(own_positions)
    own_mask = torch.cat([spread(keep)[:, None, None].expand(-1, -1, tokens.shape[1] - 1, -1), causal(own_keep)], -1)
    x, y = model.embed(work.ids, model.vision(work.pixels)), model.embedding(tokens[:, :-1])
    for layer in model.layers:
        q, k, v = layer.heads(x, rotation)
        x = layer.rest(x, q, k, v, mask)
        own_q, own_k, own_v = layer.heads(y, own_rotation)
        y = layer.rest(y, own_q, torch.cat([spread(k), own_k], 2), torch.cat([spread(v), own_v], 2), own_mask)
    return model.head(torch.cat([spread(x[:, -1:]), y], 1))


LAYOUTS = {"naive": completion_logits_naive, "shared": completion_logits_shared}


def train(model, optimizer, work, tokens, old, advantages, layout):
    logits = LAYOUTS[layout](model, work, tokens)
    log_p = F.log_softmax(logits / TEMPERATURE, -1).gather(2, tokens[..., None])[..., 0]
    keep = (tokens != PAD).float()
    ratio = ((log_p - old) * keep).exp()
    gain = torch.min(ratio * advantages, ratio.clamp(1 - CLIP, 1 + CLIP) * advantages)
    loss = -(gain * keep).sum() / keep.sum()
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), NORM_MAX)
    optimizer.step()
    return loss.item(), norm.item()


class Peer:
    def __init__(self, lengths, layout):
        torch.manual_seed(0)
        self.generator, self.layout = torch.Generator(DEVICE).manual_seed(1), layout
        self.model, self.work = Judge(), Work(lengths, self.generator)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.95), weight_decay=0.01)

    def step(self):
        started = time.perf_counter()
        tokens, log_probs = rollout(self.model, self.work, self.generator)
        if DEVICE.startswith("cuda"):
            torch.cuda.synchronize()
        rolled = time.perf_counter()
        rewards = torch.rand(GROUP_COUNT, GROUP_SIZE, generator=self.generator)
        advantages = ((rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True) + 1e-4)).view(-1, 1)
        loss, norm = train(self.model, self.optimizer, self.work, tokens, log_probs, advantages, self.layout)
        ended = time.perf_counter()
        return dict(rolloutMs=1e3 * (rolled - started), trainMs=1e3 * (ended - rolled), stepMs=1e3 * (ended - started), loss=loss, gradientNorm=norm)


def say(value):
    print(json.dumps(value), flush=True)


def main(arguments):
    peer = Peer(arguments, arguments["layout"])
    say({"versions": {"torch": torch.__version__}, "threadCount": torch.get_num_threads()})
    for line in sys.stdin:
        if line.strip() != "step":
            raise ValueError(f"unknown command: {line.strip()}")
        say(peer.step())


if __name__ == "__main__":
    main(ARGUMENTS)

/**
 * Memory of a worker that trains on many pictures: one update of 64 prompts with one picture each, cut into 17 tiles of
 * 512 x 512 pixels (3.4 GB of pixels in all), on a model with this image processor and hardly any weights.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import type { DeferredPrompt } from '../policy/engine.ts';
import { pixelByteLength } from '../policy/engines/pixel-byte-length.ts';
import { spawnEmbeddedEngine } from '../policy/engines/embedded/spawn.ts';
import { ImageProcessor } from '../policy/vision/image-processor.ts';
import { rounded } from './statistics.ts';

const promptCount = 64;
const tileCount = 17;
const tileEdge = 512;
const imageToken = 3;
/** Large patches keep the model's own work short: the pixels are what is measured. */
const config = {
  model_type: 'idefics3',
  image_token_id: imageToken,
  scale_factor: 4,
  text_config: {
    ...{ model_type: 'llama', vocab_size: 64, hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1 },
    ...{ num_attention_heads: 2, num_key_value_heads: 2, max_position_embeddings: 256, rms_norm_eps: 1e-5 },
    ...{ rope_theta: 10_000, tie_word_embeddings: true },
  },
  vision_config: {
    ...{ hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1, num_attention_heads: 2 },
    ...{ image_size: tileEdge, patch_size: 128, num_channels: 3 },
  },
};
const processing = {
  ...{
    do_resize: true,
    resample: 1,
    size: { longest_edge: 4 * tileEdge },
    max_image_size: { longest_edge: tileEdge },
    do_image_splitting: true,
  },
};

export async function bench(log: (line: string) => void) {
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-pixels-bench-'));
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  await writeFile(join(folder, 'preprocessor_config.json'), JSON.stringify(processing));
  const engine = spawnEmbeddedEngine({ threadCount: 2 });
  try {
    const processor = await ImageProcessor.load(folder, 64 << 20);
    const prompts = await Promise.all(Array.from({ length: promptCount }, (_, i) => promptOf(processor, i)));
    await engine.initialize(folder, 1);
    log(`one update of ${String(promptCount)} prompts of ${String(tileCount)} tiles`);
    const startedAtMs = performance.now();
    const { loss } = await engine.forwardBackward({
      groups: prompts.map((prompt) => ({
        prompt,
        completions: [{ tokenIds: [7, 8], tokenWeight: 1 / (2 * promptCount) }],
      })),
      loss: { name: 'cross_entropy' },
      temperature: 1,
      tokens: { stopTokenId: 1, padTokenId: 0, bannedTokenIds: [0, imageToken] },
      memory: { byteLengthMax: 2e9 },
    });
    return {
      ...{
        promptCount,
        tileCount,
        loss,
        pixelMegabytes: rounded(pixelByteLength(prompts.flatMap(({ images }) => images)) / 1e6),
      },
      seconds: rounded((performance.now() - startedAtMs) / 1_000),
      workerPeakMegabytes: await peakMegabytes('self'),
      computePeakMegabytes: await peakMegabytes(engine.pid),
    };
  } finally {
    await engine.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** A prompt with a picture of one colour; the number of tiles depends on the picture's size alone. */
async function promptOf(processor: ImageProcessor, index: number): Promise<DeferredPrompt> {
  const edge = 2 * tileEdge;
  const background = { r: index, g: 2 * index, b: 255 - index };
  const file = await sharp({ create: { width: edge, height: edge, channels: 3, background } })
    .png()
    .toBuffer();
  return {
    tokenIds: [4, ...Array.from({ length: tileCount }, () => [imageToken, 5]).flat(), 6],
    images: Array.from({ length: tileCount }, () => ({ height: tileEdge, width: tileEdge })),
    pixels: async () => (await processor.process(file)).tiles,
  };
}

/** The process's peak resident memory, as the kernel reports it. */
async function peakMegabytes(pid: number | 'self'): Promise<number> {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
  return rounded((Number(/VmHWM:\s*(\d+)/.exec(status)?.[1]) * 1_024) / 1e6);
}

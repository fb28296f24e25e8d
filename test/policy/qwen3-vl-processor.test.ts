/** Qwen3-VL's processor against transformers: pixels, patches, tokens (test/fixtures/qwen3-vl). */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import { readConfig } from '../../policy/engines/embedded/weights.ts';
import { loadProcessor } from '../../policy/processor.ts';
import { PatchImageProcessor } from '../../policy/vision/patch-image-processor.ts';
import { largestDifference } from '../support/idefics3-fixture.ts';
import {
  qwen3VlExpected,
  qwen3VlFolder,
  qwen3VlImage,
  qwen3VlPrompts,
  qwen3VlTensors,
} from '../support/qwen3-vl-fixture.ts';

const folder = qwen3VlFolder('untied');
const scratch = mkdtempSync(join(tmpdir(), 'mtrl-qwen3-vl-processor-'));
afterAll(() => {
  rmSync(scratch, { recursive: true });
});

const grids = JSON.parse(
  readFileSync(fileURLToPath(new URL('../fixtures/qwen3-vl/pixels.json', import.meta.url)), 'utf8'),
) as Readonly<Record<string, { readonly grid: readonly [frames: number, rows: number, columns: number] }>>;
const valuesOf = qwen3VlTensors('pixels.safetensors');

async function processorWith(fields: object): Promise<PatchImageProcessor> {
  const own = mkdtempSync(join(scratch, 'config-'));
  await writeFile(join(own, 'preprocessor_config.json'), JSON.stringify({ patch_size: 4, merge_size: 2, ...fields }));
  return PatchImageProcessor.load(own, 0);
}

describe('images', () => {
  test.each(Object.entries(grids))(
    '%s: patches match those of the Pillow processor, in the same order',
    async (name, want) => {
      const processor = await PatchImageProcessor.load(folder, 0);
      const image = await processor.process(qwen3VlImage(name));
      expect([1, image.height / 4, image.width / 4]).toEqual(want.grid);
      const { architecture } = await readConfig(folder);
      const { inputs } = required(architecture.images, 'images').batch([image]);
      const pixels = required(inputs.get('pixels'), 'pixels').data as Float32Array;
      // Both frames of transformers' patches [row][channel][frame][16] are the image; ours are [row][channel][16].
      const both = pixels.length * 2;
      const ours = Float32Array.from({ length: both }, (_, i) => pixels[Math.floor(i / 32) * 16 + (i % 16)] ?? NaN);
      // Levels are at least 2/255 apart: the rest is the order of float32 operations.
      expect(largestDifference(ours, valuesOf(name))).toBeLessThan(1e-6);
    },
  );

  test('min_pixels and max_pixels of older files take precedence over size, as in transformers', async () => {
    const image = { data: new Uint8Array(48 * 48 * 3), height: 48, width: 48 };
    const size = { shortest_edge: 64, longest_edge: 4096 };
    const sizeOf = async (fields: object): Promise<number> =>
      (await processorWith({ size, ...fields })).fromRgb(image).height;
    expect([await sizeOf({}), await sizeOf({ max_pixels: 1024 }), await sizeOf({ min_pixels: 4000 })]).toEqual([
      48, 32, 64,
    ]);
  });

  test('an image that is too narrow for transformers is unreadable here', async () => {
    const processor = await processorWith({});
    const image = { data: new Uint8Array(201 * 3), height: 201, width: 1 };
    expect(() => processor.fromRgb(image)).toThrow(expect.objectContaining({ code: 'IMAGE_UNREADABLE' }) as Error);
  });
});

describe('prompts', () => {
  test('have the tokens of the processor: one per merged patch of the image, between start and end', async () => {
    const prompts = await qwen3VlPrompts('untied');
    expect(prompts.map(({ tokenIds }) => tokenIds)).toEqual(qwen3VlExpected('untied').promptIds);
    expect(prompts.map(({ images }) => images.length)).toEqual([1, 2, 0]);
  });

  test('answers match the tokens of the tokenizer and decode to the same text', async () => {
    const { answers, targetIds } = qwen3VlExpected('untied');
    const processor = await loadProcessor(folder);
    expect(answers.map((row) => row.map((answer) => processor.encodeCompletion(answer)))).toEqual(targetIds);
    expect(targetIds.map((row) => row.map((ids) => processor.decodeCompletion(ids)))).toEqual(answers);
  });

  test('tokens of images and videos are never sampled', async () => {
    const { bannedTokenIds } = await loadProcessor(folder);
    // <|vision_start|>, <|vision_end|>, <|image_pad|>, <|video_pad|>
    expect(bannedTokenIds).toEqual(expect.arrayContaining([3, 4, 6, 7]));
  });
});

test.each(['patch_size', 'merge_size', 'temporal_patch_size'])(
  "a processor whose %s differs from the tower's is refused by name",
  async (field) => {
    const own = mkdtempSync(join(scratch, 'unfit-'));
    await cp(folder, own, { recursive: true });
    const file = join(own, 'processor_config.json');
    const config = JSON.parse(await readFile(file, 'utf8')) as { image_processor: object };
    await writeFile(file, JSON.stringify({ image_processor: { ...config.image_processor, [field]: 3 } }));
    await expect(loadProcessor(own)).rejects.toMatchObject({
      code: 'CHECKPOINT_INVALID',
      message: expect.stringContaining(`field ${field}`) as string,
    });
  },
);

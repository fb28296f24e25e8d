/**
 * SmolVLM2 with split images against transformers: tiles, prompts, loss, gradients, greedy tokens
 * (test/fixtures/smolvlm).
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { decodeSafetensors } from '../../artifacts/codecs/safetensors.ts';
import { readFloat32 } from '../../artifacts/codecs/tensor-values.ts';
import { required } from '../../core/assert.ts';
import type { EncodedPrompt, OptimStepRequest } from '../../policy/engine.ts';
import { EmbeddedEngine } from '../../policy/engines/embedded/embedded-engine.ts';
import { readConfig, readWeights } from '../../policy/engines/embedded/weights.ts';
import { type Processor, loadProcessor } from '../../policy/processor.ts';
import type { ContentPart } from '../../core/chat-message.ts';
import { ImageProcessor } from '../../policy/vision/image-processor.ts';
import { largestDifference, strided } from '../support/idefics3-fixture.ts';
import { modelRun } from '../support/model-run.ts';
import { expectRefused } from '../support/refusal.ts';

const root = fileURLToPath(new URL('../fixtures/smolvlm/', import.meta.url));
const folder = join(root, 'model');
const scratch = mkdtempSync(join(tmpdir(), 'mtrl-smolvlm-'));
afterAll(() => {
  rmSync(scratch, { recursive: true });
});

const expected = JSON.parse(readFileSync(join(root, 'expected.json'), 'utf8')) as {
  readonly tiles: Readonly<Record<string, { rows: number; columns: number; count: number }>>;
  readonly contents: readonly (readonly ({ type: 'image'; name: string } | { type: 'text'; text: string })[])[];
  readonly answers: readonly string[];
  readonly promptIds: readonly (readonly number[])[];
  readonly targetIds: readonly (readonly number[])[];
  readonly loss: number;
  readonly greedyIds: readonly (readonly number[])[];
  readonly sampleStrides: Readonly<Record<string, number>>;
  readonly adamw: OptimStepRequest;
  readonly stepGradientNorms: readonly number[];
};
const { tensors } = decodeSafetensors(readFileSync(join(root, 'expected.safetensors')));
const valuesOf = (name: string): Float32Array => readFloat32(required(tensors.get(name), name));
const imageFile = (name: string): Buffer => readFileSync(join(root, `${name}.png`));

function promptsOf(processor: Processor): Promise<EncodedPrompt[]> {
  const encoded = expected.contents.map((content) => {
    const parts = content.map((part): ContentPart => (part.type === 'image' ? { type: 'image' } : part));
    const images = content.flatMap((part) => (part.type === 'image' ? [imageFile(part.name)] : []));
    return processor.encodePrompt([{ role: 'user', content: parts }], images);
  });
  return Promise.all(encoded);
}

describe('split images', () => {
  test.each(Object.entries(expected.tiles))('%s: tiles match the Pillow processor', async (name, want) => {
    const processor = await ImageProcessor.load(folder, 0);
    const { tiles, rowCount, columnCount } = await processor.process(imageFile(name));
    expect({ rows: rowCount, columns: columnCount, count: tiles.length }).toMatchObject({
      rows: want.rows,
      columns: want.columns,
      count: want.count,
    });
    const values = tiles.flatMap(({ data }) => [...data]);
    // Levels are 2/255 apart: the rest is the order of float32 operations.
    expect(largestDifference(values, valuesOf(`tiles.${name}`))).toBeLessThan(1e-6);
  });

  test('an image of one tile is neither split nor resized', async () => {
    const config = { do_resize: false, do_image_splitting: true, max_image_size: { longest_edge: 18 } };
    await writeFile(join(scratch, 'preprocessor_config.json'), JSON.stringify(config));
    const processor = await ImageProcessor.load(scratch, 0);
    const data = Uint8Array.from({ length: 18 * 18 * 3 }, (_, i) => i % 256);
    const { tiles, rowCount, columnCount } = processor.fromRgb({ data, height: 18, width: 18 });
    expect([tiles.length, rowCount, columnCount]).toEqual([1, 0, 0]);
    expect(tiles[0]?.data[1]).toBeCloseTo((3 / 255) * 2 - 1, 5);
  });

  test("prompts have the processor's tokens: places, line ends, the whole image last", async () => {
    const prompts = await promptsOf(await loadProcessor(folder));
    expect(prompts.map(({ tokenIds }) => tokenIds)).toEqual(expected.promptIds);
    expect(prompts.map(({ images }) => images.length)).toEqual([7, 17]);
  });

  test('tokens of images and their places are never sampled', async () => {
    const { bannedTokenIds } = await loadProcessor(folder);
    expect(bannedTokenIds).toEqual(expect.arrayContaining([3, 4, 5, 7, 15]));
  });
});

test('loss, log-probs and all gradients match transformers, through several tiled images', async () => {
  const prompts = await promptsOf(await loadProcessor(folder));
  const tokenCount = expected.targetIds.flat().length;
  const groups = prompts.map((prompt, row) => ({
    prompt,
    completions: [{ tokenIds: required(expected.targetIds[row], 'targets'), tokenWeight: 1 / tokenCount }],
  }));
  const run = await modelRun(folder, groups, { loss: 'cross_entropy' });
  expect(Math.abs(run.loss - expected.loss)).toBeLessThan(2e-5);
  for (const name of run.names) {
    const sample = strided(run.gradientOf(name), required(expected.sampleStrides[name], name));
    expect(largestDifference(sample, valuesOf(`gradient.${name}`)), name).toBeLessThan(2e-5);
  }
});

test('three AdamW steps match the weights of torch', async () => {
  const engine = new EmbeddedEngine({ threadCount: 1 });
  await engine.loadCheckpoint(folder);
  const tokenWeight = 1 / expected.targetIds.flat().length;
  const groups = (await promptsOf(await loadProcessor(folder))).map((prompt, row) => ({
    prompt,
    completions: [{ tokenIds: required(expected.targetIds[row], 'targets'), tokenWeight }],
  }));
  const tokens = { stopTokenId: 6, padTokenId: 2, bannedTokenIds: [] };
  for (const norm of expected.stepGradientNorms) {
    await engine.forwardBackward({ groups, loss: { name: 'cross_entropy' }, temperature: 1, tokens });
    expect(Math.abs((await engine.optimStep(expected.adamw)).gradientNorm - norm)).toBeLessThan(1e-4);
  }
  await engine.saveState(scratch);
  await engine.close();
  const { architecture } = await readConfig(scratch);
  for (const [name, data] of await readWeights(scratch, architecture.parameterSpecs)) {
    const sample = strided(data, required(expected.sampleStrides[name], name));
    expect(largestDifference(sample, valuesOf(`stepped.${name}`)), name).toBeLessThan(2e-5);
  }
});

test('greedy tokens match generate', async () => {
  const engine = new EmbeddedEngine({ threadCount: 1 });
  await engine.loadCheckpoint(folder);
  const { groups } = await engine.sample({
    prompts: await promptsOf(await loadProcessor(folder)),
    groupSize: 1,
    sampling: { temperature: 1, greedy: true, tokenCountMax: 8 },
    tokens: { stopTokenId: 6, padTokenId: 2, bannedTokenIds: [] },
    seed: 0,
    step: 0,
    promptOffset: 0,
    promptTokenCountMax: 140,
  });
  await engine.close();
  expect(groups.map((group) => group[0]?.tokenIds)).toEqual(expected.greedyIds);
});

describe('refuses fields of related models by name', () => {
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Record<string, object>;
  test.each([
    ['text_config', 'use_resampler', true],
    ['text_config', 'qk_layer_norms', true],
    ['text_config', 'rope_interleaved', true],
    ['text_config', 'neftune_noise_alpha', 5],
    ['vision_config', 'hidden_act', 'relu'],
    ['vision_config', 'window_size', 8],
  ])('%s.%s = %j', (part, field, value) => {
    const changed = { ...config, [part]: { ...config[part], [field]: value } };
    expectRefused(changed, `${part}.${field}`);
  });
});

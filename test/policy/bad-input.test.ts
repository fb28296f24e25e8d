/** Invalid checkpoints and requests are refused with a code, a place and what was found. */
import { mkdtempSync, rmSync } from 'node:fs';
import { cp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeSafetensors } from '../../artifacts/codecs/safetensors.ts';
import { readSafetensorsFolder } from '../../artifacts/codecs/safetensors-folder.ts';
import { required } from '../../core/assert.ts';
import type { EncodedPrompt, SampleRequest } from '../../policy/engine.ts';
import { EmbeddedEngine } from '../../policy/engines/embedded/embedded-engine.ts';
import { cases, fixtureImage, folderOf, promptsOf } from '../support/idefics3-fixture.ts';

const engine = new EmbeddedEngine({ threadCount: 1 });
const scratch = mkdtempSync(join(tmpdir(), 'mtrl-bad-input-'));
const tokens = { stopTokenId: cases.eosTokenId, padTokenId: cases.padTokenId, bannedTokenIds: [] };
const prompt = required(promptsOf(required(cases.cases['one-image'], 'case'))[0], 'prompt');
afterAll(async () => {
  await engine.close();
  rmSync(scratch, { recursive: true });
});

async function changed(change: (folder: string) => Promise<unknown>): Promise<string> {
  const folder = mkdtempSync(join(scratch, 'checkpoint-'));
  await cp(folderOf('tied'), folder, { recursive: true });
  await change(folder);
  return folder;
}

describe('a checkpoint', () => {
  test.each([
    ['without config.json', 'FILE_MISSING', (folder: string) => rm(join(folder, 'config.json'))],
    ['without weights', 'FILE_MISSING', (folder: string) => rm(join(folder, 'model.safetensors'))],
    [
      'whose config.json is cut off',
      'CHECKPOINT_INVALID',
      (folder: string) => writeFile(join(folder, 'config.json'), '{"a"'),
    ],
    [
      'whose config.json is a list',
      'CHECKPOINT_INVALID',
      (folder: string) => writeFile(join(folder, 'config.json'), '[]'),
    ],
    [
      'whose weights are text',
      'CHECKPOINT_INVALID',
      (folder: string) => writeFile(join(folder, 'model.safetensors'), 'version https'),
    ],
  ] as const)('%s: %s', async (_, code, change) => {
    const folder = await changed(change);
    await expect(engine.loadCheckpoint(folder)).rejects.toMatchObject({
      code,
      details: { where: expect.stringContaining(folder) as string },
    });
  });

  test('with integer weights is refused: quantized weights cannot be trained', async () => {
    const folder = await changed(async (target) => {
      const weights = await readSafetensorsFolder(target, 'model');
      const [name, tensor] = required([...weights][0], 'a tensor');
      weights.set(name, { ...tensor, dtype: 'I32' });
      await writeFile(join(target, 'model.safetensors'), encodeSafetensors(weights));
    });
    await expect(engine.loadCheckpoint(folder)).rejects.toMatchObject({ code: 'CHECKPOINT_UNSUPPORTED' });
  });
});

describe('a request', () => {
  beforeAll(() => engine.loadCheckpoint(folderOf('tied')));

  const request = (prompts: readonly EncodedPrompt[], more: Partial<SampleRequest> = {}): SampleRequest => ({
    ...{ prompts, groupSize: 1, tokens, seed: 0, step: 0, promptOffset: 0, promptTokenCountMax: 48 },
    sampling: { temperature: 1, greedy: true, tokenCountMax: 4 },
    ...more,
  });
  const longPrompt = (length: number): EncodedPrompt => ({ tokenIds: Array<number>(length).fill(5), images: [] });

  test('for rollouts beyond the last position of the model', async () => {
    const long = longPrompt(100_000);
    await expect(engine.sample(request([long], { promptTokenCountMax: 100_000 }))).rejects.toMatchObject({
      code: 'EXAMPLE_TOO_LONG',
      message: expect.stringContaining('positions') as string,
    });
  });

  test('to train beyond the last position of the model', async () => {
    const groups = [{ prompt: longPrompt(3000), completions: [{ tokenIds: [5], tokenWeight: 1 }] }];
    const training = { groups, loss: { name: 'cross_entropy' }, temperature: 1, tokens } as const;
    await expect(engine.forwardBackward(training)).rejects.toMatchObject({
      code: 'EXAMPLE_TOO_LONG',
      message: expect.stringContaining('positions') as string,
    });
  });

  test('whose prompt was cut inside its image, or has more images than places', async () => {
    const places = prompt.tokenIds.flatMap((id, index) => (id === imageTokenId ? [index] : []));
    const cut = { ...prompt, tokenIds: prompt.tokenIds.slice(0, required(places.at(-2), 'an image token')) };
    const twice = { ...prompt, images: [...prompt.images, fixtureImage(0)] };
    for (const wrong of [cut, twice])
      await expect(engine.sample(request([wrong]))).rejects.toMatchObject({ code: 'EXAMPLE_TOO_LONG' });
  });

  test('with an image of an unsupported size', async () => {
    const small = { data: new Float32Array(3 * 16 * 16), height: 16, width: 16 };
    await expect(engine.sample(request([{ ...prompt, images: [small] }]))).rejects.toMatchObject({
      code: 'CHECKPOINT_UNSUPPORTED',
      details: { hint: expect.any(String) as string },
    });
  });

  test('with an image for a text-only model', async () => {
    const reader = new EmbeddedEngine({ threadCount: 1 });
    await reader.loadCheckpoint(fileURLToPath(new URL('../fixtures/text-models/qwen3', import.meta.url)));
    await expect(reader.sample(request([prompt]))).rejects.toMatchObject({ code: 'PROMPT_INVALID' });
    await reader.close();
  });
});

const imageTokenId = required(
  prompt.tokenIds.find((id, index) => prompt.tokenIds[index + 1] === id && prompt.tokenIds[index + 2] === id),
  'a run of image tokens',
);

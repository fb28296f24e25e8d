import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { CheckpointMean } from '../../artifacts/codecs/checkpoint-mean.ts';
import { readSafetensorsFolder, writeSafetensorsFolder } from '../../artifacts/codecs/safetensors-folder.ts';
import { float32Tensor, narrow, readFloat32 } from '../../artifacts/codecs/tensor-values.ts';

async function checkpoint(values: Readonly<Record<string, readonly number[]>>, dtype: 'F32' | 'BF16' = 'F32') {
  const folder = await mkdtemp(join(tmpdir(), 'mtrl-mean-'));
  const tensors = Object.entries(values).map(([name, numbers]) => {
    const { data } = narrow(Float32Array.from(numbers), dtype);
    return [name, { dtype, shape: [numbers.length], data }] as const;
  });
  await writeSafetensorsFolder(folder, 'model', new Map(tensors));
  return folder;
}

async function meanOf(folders: readonly string[]) {
  const mean = new CheckpointMean();
  for (const folder of folders) await mean.add(folder);
  const written = await mkdtemp(join(tmpdir(), 'mtrl-mean-'));
  await writeSafetensorsFolder(written, 'model', mean.tensors());
  return readSafetensorsFolder(written, 'model');
}

describe('the mean of checkpoints', () => {
  test('is the mean of each weight', async () => {
    const folders = await Promise.all([
      checkpoint({ a: [1, 2], b: [10] }),
      checkpoint({ a: [3, -2], b: [20] }),
      checkpoint({ a: [5, 3], b: [60] }),
    ]);
    const mean = await meanOf(folders);
    expect(mean.get('a')).toEqual(float32Tensor(Float32Array.of(3, 1), [2]));
    expect(mean.get('b')).toEqual(float32Tensor(Float32Array.of(30), [1]));
    expect(mean.size).toBe(2);
  });

  test('of one checkpoint, or of equal ones, is that checkpoint', async () => {
    const one = await checkpoint({ a: [0.1, -1e-20, 3e38] });
    const [alone, thrice] = [await meanOf([one]), await meanOf([one, one, one])];
    expect(alone).toEqual(thrice);
    const a = alone.get('a');
    expect(a && [...readFloat32(a)]).toEqual([...Float32Array.of(0.1, -1e-20, 3e38)]);
  });

  test('keeps the dtype of the weights', async () => {
    const mean = await meanOf([await checkpoint({ a: [1] }, 'BF16'), await checkpoint({ a: [2] }, 'BF16')]);
    const a = mean.get('a');
    expect([a?.dtype, a && readFloat32(a)[0]]).toEqual(['BF16', 1.5]);
  });

  test.each([
    ['another shape', { a: [1, 2] }],
    ['another tensor', { b: [1] }],
    ['one more tensor', { a: [1], b: [1] }],
  ])('is refused for models with %s', async (_, values) => {
    const folders = [await checkpoint({ a: [1] }), await checkpoint(values)];
    await expect(meanOf(folders)).rejects.toMatchObject({ code: 'CHECKPOINT_INVALID' });
  });
});

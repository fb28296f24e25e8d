import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { diskNeed, requireDisk } from '../../cli/disk-preflight.ts';
import { parseRecipe } from '../../recipes/load.ts';
import { tinyRecipe } from '../end-to-end/tiny-recipe.ts';

const checkpoint = mkdtempSync(join(tmpdir(), 'mtrl-disk-'));
writeFileSync(join(checkpoint, 'model-1.safetensors'), new Uint8Array(600));
writeFileSync(join(checkpoint, 'model-2.safetensors'), new Uint8Array(400));
writeFileSync(join(checkpoint, 'tokenizer.json'), new Uint8Array(5_000));
afterAll(() => {
  rmSync(checkpoint, { recursive: true });
});

/** One snapshot of the supervised arm, and of the other one every 6 of 12 steps. */
const recipeWith = (changes: object = {}, rl: object = {}) => {
  const tiny = tinyRecipe({ sftStepCount: 4, grpoStepCount: 12 });
  const arms = { ...tiny.arms, 'mt-rl': { ...tiny.arms['mt-rl'], ...rl } };
  return parseRecipe({ ...tiny, policy: { checkpoint }, arms, ...changes });
};

it.each([
  ['weights and two moments a snapshot', recipeWith(), { snapshotCount: 3, byteLength: 9_000 }],
  ['every seed', recipeWith({ seeds: [0, 1] }), { snapshotCount: 6, byteLength: 18_000 }],
  [
    'weights alone where adapters are trained',
    recipeWith({}, { lora: { rank: 2, alpha: 4 } }),
    { snapshotCount: 3, byteLength: 5_000 },
  ],
  [
    'no more than the ceilings allow',
    recipeWith({}, { ceilings: { stepCountMax: 6, byteLengthMax: 100 } }),
    { snapshotCount: 2, byteLength: 3_100 },
  ],
])('counts %s', (_, recipe, need) => {
  expect(diskNeed(recipe)).toEqual(need);
});

it('does not know what fresh weights take', () => {
  expect(diskNeed(parseRecipe(tinyRecipe({ sftStepCount: 4, grpoStepCount: 12 })))).toBeUndefined();
});

it('refuses a run with the bytes that it needs and those that are free', async () => {
  const free = { folder: '/data', fileCount: 9 };
  requireDisk(recipeWith(), '/data', { ...free, byteLength: 9_000 });
  const half = { ...free, byteLength: 2 ** 29 };
  writeFileSync(join(checkpoint, 'model-1.safetensors'), '');
  const big = recipeWith({}, { stepCount: 1_000_000, snapshotEveryStepCount: 1 });
  const refused = Promise.resolve().then(() => {
    requireDisk(big, '/data', half);
  });
  await expect(refused).rejects.toMatchObject({
    code: 'DISK_SHORT',
    details: { where: '/data', found: 'at least 1.1 GiB needed for 1000001 snapshots, 0.5 GiB free' },
  });
});

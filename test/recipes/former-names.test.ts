import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { JsonCache } from '../../pipeline/json-cache.ts';
import { recipeOf, rlArm } from '../../pipeline/recipe-access.ts';
import { loadRecipeFile, parseRecipe } from '../../recipes/load.ts';
import { refTo } from '../workflows/made-up-activities.ts';

const folder = mkdtempSync(join(tmpdir(), 'mtrl-former-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const today = loadRecipeFile('recipes/demo.yaml', []);

describe('a recipe with the former `objective: grpo`', () => {
  const former = join(folder, 'demo.yaml');
  writeFileSync(former, readFileSync('recipes/demo.yaml', 'utf8').replace('objective: rl', 'objective: grpo'));

  test('loads as objective rl with algorithm grpo, with the same digest', () => {
    const loaded = loadRecipeFile(former, []);
    expect(loaded.digest).toBe(today.digest);
    expect(loaded.parsed.arms['mt-rl']).toMatchObject({ objective: 'rl', algorithm: 'grpo', clipLow: 0.2 });
    expect(loadRecipeFile('recipes/demo.yaml', ['arms.mt-rl.objective=grpo']).digest).toBe(today.digest);
  });

  test('is sent unchanged and parses to the same recipe', () => {
    const { recipe, parsed } = loadRecipeFile(former, []);
    expect(recipe.arms['mt-rl']?.objective).toBe('grpo');
    expect(parseRecipe(recipe)).toEqual(parsed);
  });

  test('allows no algorithm field', () => {
    expect(() => loadRecipeFile(former, ['arms.mt-rl.algorithm=grpo'])).toThrow(
      /arms\.mt-rl\.objective .*found "grpo"; allowed: none, sft, rl/,
    );
  });
});

test('is read like the current form if it was stored as a complete recipe', async () => {
  const { algorithm: _algorithm, ...arm } = rlArm(today.parsed, 'mt-rl');
  const kept = { ...today.parsed, arms: { ...today.parsed.arms, 'mt-rl': { ...arm, objective: 'grpo' } } };
  const cache = { get: () => Promise.resolve(kept) } as unknown as JsonCache;
  expect(await recipeOf(cache, refTo('recipe'))).toEqual(today.parsed);
});

test('`resampling` of an arm is read as dynamicSampling', () => {
  const named = (name: string) => {
    const file = join(folder, `${name}.yaml`);
    const lines = `    ${name}: { informativeGroupCountMin: 4, roundCountMax: 2 }`;
    const arm = '    objective: rl\n';
    writeFileSync(file, readFileSync('recipes/demo.yaml', 'utf8').replace(arm, `${arm}${lines}\n`));
    return loadRecipeFile(file, []);
  };
  const loaded = named('resampling');
  expect(loaded.parsed.arms['mt-rl']).toMatchObject({
    dynamicSampling: { informativeGroupCountMin: 4, roundCountMax: 2 },
  });
  expect(loaded.digest).toBe(named('dynamicSampling').digest);
});

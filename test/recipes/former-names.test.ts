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

describe('a recipe that says `objective: grpo`', () => {
  const former = join(folder, 'demo.yaml');
  writeFileSync(former, readFileSync('recipes/demo.yaml', 'utf8').replace('objective: rl', 'objective: grpo'));

  test('loads as objective rl with algorithm grpo: the same recipe, by its digest', () => {
    const loaded = loadRecipeFile(former, []);
    expect(loaded.digest).toBe(today.digest);
    expect(loaded.parsed.arms['mt-rl']).toMatchObject({ objective: 'rl', algorithm: 'grpo', clipLow: 0.2 });
    expect(loadRecipeFile('recipes/demo.yaml', ['arms.mt-rl.objective=grpo']).digest).toBe(today.digest);
  });

  test('is sent as it is written, and read the same at the other end', () => {
    const { recipe, parsed } = loadRecipeFile(former, []);
    expect(recipe.arms['mt-rl']?.objective).toBe('grpo');
    expect(parseRecipe(recipe)).toEqual(parsed);
  });

  test('names no algorithm beside it', () => {
    expect(() => loadRecipeFile(former, ['arms.mt-rl.algorithm=grpo'])).toThrow(
      /arms\.mt-rl\.objective .*found "grpo"; allowed: none, sft, rl/,
    );
  });
});

test('a complete recipe that was kept under the former name is read as today’s', async () => {
  const { algorithm: _algorithm, ...arm } = rlArm(today.parsed, 'mt-rl');
  const kept = { ...today.parsed, arms: { ...today.parsed.arms, 'mt-rl': { ...arm, objective: 'grpo' } } };
  const cache = { get: () => Promise.resolve(kept) } as unknown as JsonCache;
  expect(await recipeOf(cache, refTo('recipe'))).toEqual(today.parsed);
});

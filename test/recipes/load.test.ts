import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { MtrlError } from '../../core/errors.ts';
import { loadRecipeFile, parseRecipe } from '../../recipes/load.ts';
import { requireFiles } from '../../recipes/paths.ts';

const folder = mkdtempSync(join(tmpdir(), 'mtrl-recipes-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
const demo = 'recipes/demo.yaml';

function errorOf(sets: readonly string[], path = demo): MtrlError {
  try {
    loadRecipeFile(path, sets);
  } catch (error) {
    if (error instanceof MtrlError) return error;
    throw error;
  }
  throw new Error(`${sets.join(' ')} was accepted`);
}

function write(text: string): string {
  const path = join(folder, 'recipe.yaml');
  writeFileSync(path, text);
  return path;
}

test('a recipe whose aliases would unfold to a billion values is refused', () => {
  const levels = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'];
  const line = (name: string, place: number): string => {
    const of = place === 0 ? 'x' : `*${levels[place - 1] ?? ''}`;
    return `${name}: &${name} [${Array.from({ length: 10 }, () => of).join(', ')}]`;
  };
  const error = errorOf([], write(levels.map(line).join('\n')));
  expect(error).toMatchObject({ code: 'RECIPE_INVALID', message: expect.stringMatching(/alias/i) as string });
});

describe('an invalid recipe is reported with its path, what was found and what is allowed', () => {
  test.each([
    ['arms.mt-rl.groupSize=1', 'arms.mt-rl.groupSize (--set): found 1; allowed: a number >= 2'],
    ['datasets.0.split=trian', 'datasets.0.split (--set): found "trian"; allowed: train, val, test'],
    ['arms.base.objective=ppo', 'arms.base.objective (--set): found "ppo"; allowed: none, sft, rl'],
    [
      'arms.X={objective: none, mode: think}',
      'arms.X (--set): found the name "X"; allowed: a name of lower-case letters',
    ],
    [
      'tasks.safety.labels=["yes", "yes"]',
      'tasks.safety.labels (--set): found "yes" twice; allowed: labels that differ',
    ],
    ['arms.base.from=base', 'found a circle: base -> base'],
    ['arms.base.from=mt', 'found "mt", which is not a known arm; allowed: mt-rl, base, sft-unified'],
    ['arms.mt-rl.tasks=[pair-alignment]', 'allowed: a task with ood: false: ood tasks are never trained'],
    ['arms.mt-rl.tasks=[safty]', 'found "safty", which is not a known task; allowed: safety'],
    ['datasets.0.tasks=[naturalness]', 'found no train dataset of safety, which arm mt-rl trains on'],
    ['datasets.2.split=val', 'found no test dataset of pair-alignment, which evaluation needs'],
    ['seeds=[1, 1]', 'seeds (--set): found [1,1]; allowed: seeds that differ'],
    ['policy={chekpoint: x}', 'policy.chekpoint (--set): found a field that does not exist; allowed: checkpoint'],
  ])('%s', (set, line) => {
    const error = errorOf([set]);
    expect(error.code).toBe('RECIPE_INVALID');
    expect(error.message).toContain(line);
  });

  test('an unknown field is reported with its line in the file and the nearest field', () => {
    const path = write('name: x\nseed: [0]\npolicy: { checkpoint: . }\ntasks: {}\ndatasets: []\narms: {}\n');
    const error = errorOf([], path);
    expect(error.details.where).toBe(path);
    expect(error.message).toContain('seed (line 2): found a field that does not exist; allowed: seeds');
    expect(error.message).toContain('datasets (line 5): found []; allowed: a list of at least 1');
  });

  test('text that is not YAML is reported with its line', () => {
    expect(errorOf([], write('name: x\narms: [\n')).message).toMatch(/\(line [23]\): found .*allowed: YAML/);
  });

  test('a missing field is reported at its arm', () => {
    const error = errorOf(['arms.mt-rl={objective: rl, mode: think}']);
    expect(error.message).toContain(
      'arms.mt-rl.stepCount (--set): found nothing; allowed: a number (the field is needed)',
    );
    expect(error.message).toContain('arms.mt-rl.optimizer');
  });
});

describe('--set', () => {
  test('refuses an unknown path, with the known ones', () => {
    expect(errorOf(['arms.nope.stepCount=3']).message).toContain(
      'arms.nope (--set): found a path that the recipe does not have; allowed: base',
    );
    expect(errorOf(['arms.mt-rl.groupsize=3']).message).toContain('allowed: groupSize');
    expect(errorOf(['datasets.9.split=train']).message).toContain('allowed: 0 to 2');
  });

  test('without a value is a usage error', () => {
    expect(errorOf(['arms.mt-rl.stepCount']).code).toBe('USAGE');
  });

  test('sets fields that the file omits, and changes the digest', () => {
    const plain = loadRecipeFile(demo, []);
    const changed = loadRecipeFile(demo, ['evaluation.seed=3', 'arms.mt-rl.optimizer.learningRate=5e-5']);
    expect(changed.parsed.evaluation.seed).toBe(3);
    expect(changed.parsed.arms['mt-rl']).toMatchObject({ optimizer: { learningRate: 5e-5 } });
    expect(changed.digest).not.toBe(plain.digest);
    expect(loadRecipeFile(demo, ['evaluation.seed=0']).digest).toBe(plain.digest);
  });
});

describe('paths', () => {
  test('are relative to the recipe file, those of datasets to dataFolder, and are sent as absolute paths', () => {
    const { recipe, parsed } = loadRecipeFile('recipes/cue-conflict.yaml', ['dataFolder=../elsewhere']);
    expect(parsed.policy).toEqual({ checkpoint: resolve('recipes/demo-base') });
    expect(parsed.datasets[0]).toMatchObject({ path: resolve('elsewhere/judgments/pointwise.train.jsonl') });
    expect(recipe).not.toHaveProperty('dataFolder');
    expect(parseRecipe(recipe)).toEqual(parsed);
  });

  test('that do not exist are reported with their path in the recipe', () => {
    const { parsed } = loadRecipeFile(demo, ['policy.checkpoint=./not-there']);
    expect(() => {
      requireFiles(parsed);
    }).toThrow(/policy\.checkpoint: .*recipes\/not-there/);
  });
});

test('a supervised arm in think mode needs rationales in its data, unless it trains only direct answers', () => {
  const error = errorOf(
    ['datasets.0={reader: jsonl, task: shows, split: train, path: x, imageFolder: y, fields: {prompt: [statement]}}'],
    'recipes/cue-conflict.yaml',
  );
  expect(error.message).toContain(
    'datasets.0.rationale (--set): found nothing; allowed: a template, because arm sft-start',
  );
});

test('a pairwise dataset needs two image fields, and labels of its task', () => {
  const error = errorOf(
    ['datasets.4.fields.images=[image_0]', 'datasets.0.labelMap={"true": "yep"}'],
    'recipes/cue-conflict.yaml',
  );
  expect(error.message).toContain('datasets.4.fields.images (--set): found ["image_0"]; allowed: 2 image fields');
  expect(error.message).toContain('datasets.0.labelMap.true (--set): found "yep"; allowed: a label of shows: yes, no');
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MtrlError } from '../../core/errors.ts';
import { loadRecipeFile, parseRecipe } from '../../recipes/load.ts';
import { runCount, runCountText } from '../../recipes/run-count.ts';

const load = (...sets: string[]) => loadRecipeFile('recipes/demo-quick.yaml', sets).parsed;
const added = '{ like: mt-rl, groupSize: 4, optimizer: { learningRate: 5e-5 } }';

function errorOf(...sets: string[]): string {
  try {
    load(...sets);
  } catch (error) {
    if (error instanceof MtrlError && error.code === 'RECIPE_INVALID') return error.message;
    throw error;
  }
  throw new Error(`${sets.join(' ')} was accepted`);
}

describe('like', () => {
  test('gives an arm all fields of another one but its own, at every level', () => {
    const { arms } = load(`arms.slow=${added}`);
    const { optimizer, ...rest } = arms['mt-rl'] as { optimizer: object };
    expect(arms['slow']).toEqual({ ...rest, groupSize: 4, optimizer: { ...optimizer, learningRate: 5e-5 } });
    expect(Object.keys(arms)).toEqual(['base', 'sft-unified', 'sft-reasons', 'mt-rl', 'slow']);
  });

  test('follows a change of the other arm, through a chain written in any order', () => {
    const { arms } = load(`arms.slow=${added}`, 'arms.base={ like: slow }', 'arms.mt-rl.tokenCountMax=11');
    expect(arms['base']).toEqual(arms['slow']);
    expect(arms['base']).toMatchObject({ tokenCountMax: 11, groupSize: 4 });
  });

  test('has a problem of the other arm told once, and its own told of itself', () => {
    const tooMany = 'arms.mt-rl.updateCount=99';
    expect(errorOf(tooMany, `arms.slow=${added}`, 'arms.slower={ like: slow }').split('\n').slice(1)).toEqual([
      expect.stringContaining('arms.mt-rl.updateCount (--set)'),
    ]);
    const lines = errorOf(tooMany, 'arms.few={ like: mt-rl, promptCountPerStep: 2 }').split('\n').slice(1);
    expect(lines).toEqual([
      expect.stringMatching(/arms\.mt-rl\.updateCount .* at most/),
      expect.stringMatching(/arms\.few\.updateCount .* at most 2/),
    ]);
  });

  test('leaves out a field that is null', () => {
    const { arms } = load('arms.short={ like: mt-rl, tokenCountMax: null }');
    expect(arms['short']).toMatchObject({ tokenCountMax: 32 });
  });

  test.each([
    ['arms.x={ like: mtrl }', 'arms.x.like (--set): found "mtrl", which is not a known arm; allowed: mt-rl'],
    ['arms.x={ like: 3 }', 'arms.x.like (--set): found 3; allowed: the name of an arm'],
    ['arms.x={ like: x }', 'arms.x.like (--set): found a circle: x -> x'],
    [
      'arms.x={ like: mt-rl, groupsize: 4 }',
      'arms.x.groupsize (--set): found a field that does not exist; allowed: groupSize',
    ],
    [
      'arms.x={ like: mt-rl, optimizer: { rate: 1 } }',
      'arms.x.optimizer.rate (--set): found a field that does not exist',
    ],
    ['arms.x={ like: sft-unified, objective: rl }', 'arms.x.exampleCountPerStep (--set): found a field that does not'],
  ])('%s is refused', (set, line) => {
    expect(errorOf(set)).toContain(line);
  });

  test('a circle of two arms is reported once at each', () => {
    const message = errorOf('arms.x={ like: base }', 'arms.base={ like: x }');
    expect(message).toContain('a circle: base -> x -> base');
  });
});

describe('single', () => {
  test('makes a specialist of each task that the arm trains on, in the place of the arm', () => {
    const { arms } = load('arms.sft-unified.single=true');
    expect(Object.keys(arms)).toEqual([
      'base',
      ...['naturalness', 'technical', 'rationality', 'alignment', 'preference', 'safety'].map(
        (t) => `sft-unified/${t}`,
      ),
      'sft-reasons',
      'mt-rl',
    ]);
    expect(arms['sft-unified/safety']).toMatchObject({
      tasks: ['safety'],
      specialistOf: 'sft-unified',
      mode: 'direct',
    });
    expect(arms['sft-unified/safety']).not.toHaveProperty('single');
  });

  test('takes only the tasks that the arm names, and starts each from the specialist of its task', () => {
    const { arms } = load(
      'arms.sft-unified.single=true',
      'arms.sft-unified.tasks=[safety, technical]',
      'arms.rl-single={ like: mt-rl, single: true, tasks: [safety], from: sft-unified }',
    );
    expect(arms['rl-single/safety']).toMatchObject({ from: 'sft-unified/safety', tasks: ['safety'] });
    expect(Object.keys(arms).filter((name) => name.includes('/'))).toHaveLength(3);
  });

  test('settings by task go to the specialist of the task; those of unknown tasks are refused', () => {
    const mixture = 'arms.mt-rl.mixture={ exampleCountMax: { safety: 9, technical: 8 } }';
    const { arms } = load('arms.mt-rl.single=true', mixture);
    const limits = ['safety', 'technical', 'alignment'].map((t) => arms[`mt-rl/${t}`]?.mixture.exampleCountMax);
    expect(limits).toEqual([{ safety: 9 }, { technical: 8 }, {}]);
    expect(errorOf('arms.mt-rl.single=true', 'arms.mt-rl.mixture={ exampleCountMax: { safty: 9 } }')).toContain(
      'arms.mt-rl.mixture.exampleCountMax.safty (--set): found a task that the arm does not train on',
    );
  });

  test('a recipe in full is read as it is', () => {
    const recipe = load('arms.sft-unified.single=true', 'sweeps={ s: { arm: mt-rl, vary: { groupSize: [2, 4] } } }');
    expect(parseRecipe(recipe)).toEqual(recipe);
  });

  test.each([
    ['arms.base.single=true', 'arms.base.single (--set): found true, in an arm that trains nothing'],
    ['arms.mt-rl.single=yes', 'arms.mt-rl.single (--set): found "yes"; allowed: true or false'],
    ['arms.mt-rl.specialistOf=all', 'arms.mt-rl.specialistOf (--set): found an arm that trains on 6 tasks'],
  ])('%s is refused', (set, line) => {
    expect(errorOf(set)).toContain(line);
  });

  test('a problem of all specialists is reported once, at the arm as it is written', () => {
    const message = errorOf('arms.mt-rl.single=true', 'arms.mt-rl.groupSize=1');
    expect(message).toContain('the recipe has a problem\n  arms.mt-rl.groupSize (--set): found 1');
  });
});

describe('sweeps', () => {
  test('make an arm of every combination, with a name that tells its values', () => {
    const { arms } = load(
      'sweeps={ rates: { arm: mt-rl, vary: { optimizer.learningRate: [1e-5, 0.002], groupSize: [4, 8] } } }',
    );
    expect(Object.keys(arms).slice(4)).toEqual([
      'rates/learning-rate-1e-5/group-size-4',
      'rates/learning-rate-1e-5/group-size-8',
      'rates/learning-rate-0.002/group-size-4',
      'rates/learning-rate-0.002/group-size-8',
    ]);
    const values = { 'optimizer.learningRate': 0.002, groupSize: 4 };
    expect(arms['rates/learning-rate-0.002/group-size-4']).toEqual({
      ...arms['mt-rl'],
      groupSize: 4,
      optimizer: { ...(arms['mt-rl'] as { optimizer: object }).optimizer, learningRate: 0.002 },
      varied: { sweep: 'rates', values },
    });
  });

  test('vary trained tasks by their number, strategies and modes by name, objects by position', () => {
    const { arms } = load(
      'sweeps.tasks={ arm: mt-rl, vary: { tasks: [[safety], [safety, technical]] } }',
      'sweeps.strategies={ arm: mt-rl, vary: { mixture.strategy: [union, uniform] } }',
      'sweeps.modes={ arm: mt-rl, vary: { mode: [think, direct] } }',
      'sweeps.mixtures={ arm: mt-rl, vary: { mixture: [{ strategy: union }, { strategy: uniform }] } }',
    );
    expect(Object.keys(arms).slice(4)).toEqual([
      ...['tasks/tasks-1', 'tasks/tasks-2', 'strategies/strategy-union', 'strategies/strategy-uniform'],
      ...['modes/mode-think', 'modes/mode-direct', 'mixtures/mixture-1', 'mixtures/mixture-2'],
    ]);
    expect(arms['tasks/tasks-2']).toMatchObject({ tasks: ['safety', 'technical'] });
  });

  test('of a single arm make specialists of each point', () => {
    const { arms } = load(
      'arms.mt-rl={ like: rl, single: true }',
      'arms.rl={ objective: rl, mode: think, tasks: [safety], stepCount: 2, optimizer: { learningRate: 1e-4 } }',
      'sweeps.sizes={ arm: mt-rl, vary: { groupSize: [4, 8] } }',
    );
    expect(arms['sizes/group-size-8/safety']).toMatchObject({
      ...{ groupSize: 8, tasks: ['safety'], specialistOf: 'sizes/group-size-8' },
      varied: { sweep: 'sizes', values: { groupSize: 8 } },
    });
  });

  test.each([
    ['{ arm: mtrl, vary: { groupSize: [4] } }', 'sweeps.s.arm (--set): found "mtrl", which is not a known arm'],
    ['{ arm: mt-rl, vary: {} }', 'sweeps.s.vary (--set): found no field; allowed: at least one field'],
    [
      '{ arm: mt-rl, vary: { groupSize: [4, 4] } }',
      'sweeps.s.vary.groupSize (--set): found [4,4]; allowed: values that',
    ],
    ['{ arm: mt-rl, vary: { groupSize: 4 } }', 'sweeps.s.vary.groupSize (--set): found 4; allowed: a list'],
    ['{ arm: mt-rl, var: {} }', 'sweeps.s.var (--set): found a field that does not exist; allowed: vary'],
    [
      '{ arm: mt-rl, vary: { groupsize: [4] } }',
      'sweeps.s.vary.groupsize.0 (--set): found a field that does not exist',
    ],
    [
      '{ arm: mt-rl, vary: { optimiser.rate: [4, 5] } }',
      'sweeps.s.vary.optimiser.rate (--set): found a field that does',
    ],
    [
      '{ arm: mt-rl, vary: { groupSize: [4, 1] } }',
      'sweeps.s.vary.groupSize.1 (--set): found 1; allowed: a number >= 2',
    ],
    ['{ arm: mt-rl, vary: { tasks: [[safty]] } }', 'sweeps.s.vary.tasks.0.0 (--set): found "safty"'],
  ])('%s is refused at its place in the sweep', (sweep, line) => {
    expect(errorOf(`sweeps.s=${sweep}`)).toContain(line);
  });

  test('a sweep with a name that ids cannot have is refused', () => {
    expect(errorOf('sweeps={ Sizes: { arm: mt-rl, vary: { groupSize: [4] } } }')).toContain(
      'sweeps.Sizes (--set): found the name "Sizes"; allowed: lower-case letters, digits and dashes',
    );
  });

  test('more than a thousand arms or runs are refused before they are made, with their number', () => {
    const many = JSON.stringify(Array.from({ length: 40 }, (_, i) => i + 2));
    const vary = `groupSize: ${many}, stepCount: ${many}`;
    expect(errorOf(`sweeps.s={ arm: mt-rl, vary: { ${vary} } }`)).toContain(
      'sweeps.s.vary (--set): found 1600 arms; allowed: at most 1000',
    );
    const seeds = `seeds=${JSON.stringify(Array.from({ length: 30 }, (_, i) => i))}`;
    expect(errorOf(seeds, `sweeps.s={ arm: mt-rl, vary: { groupSize: ${many} } }`)).toContain(
      'found 1291 runs: base 1, sft-unified 30, sft-reasons 30, mt-rl 30, sweep s 1200; allowed: at most 1000 runs',
    );
  });
});

test('two arms of one name are refused, in YAML and after arms are made', () => {
  const sweep = 'sweeps.s={ arm: mt-rl, vary: { groupSize: [4] } }';
  expect(errorOf('arms.s/group-size-4={ like: base }', sweep)).toContain(
    'arms.s/group-size-4 (--set): found two arms of this name; allowed: one',
  );
  const file = join(mkdtempSync(join(tmpdir(), 'mtrl-twice-')), 'recipe.yaml');
  const arm = '{ objective: none, mode: think }';
  writeFileSync(file, `name: x\narms:\n  a: ${arm}\n  a: ${arm}\n`);
  expect(() => loadRecipeFile(file, [])).toThrow(
    /arms\.a \(line 4\): found this name for the second time; allowed: each name once/,
  );
  rmSync(dirname(file), { recursive: true });
});

test('counts the runs of arms and sweeps as they are written', () => {
  const recipe = load(
    'arms.mt-rl.single=true',
    'seeds=[0, 1]',
    'sweeps.s={ arm: sft-unified, vary: { stepCount: [1, 2] } }',
  );
  expect(runCountText(recipe)).toBe('base 1, sft-unified 2, sft-reasons 2, mt-rl 12, sweep s 4');
  expect(runCount(recipe)).toBe(21);
});

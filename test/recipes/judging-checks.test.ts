import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { MtrlError } from '../../core/errors.ts';
import { loadRecipeFile, parseRecipe } from '../../recipes/load.ts';
import type { RecipeInput } from '../../recipes/recipe.ts';

const folder = mkdtempSync(join(tmpdir(), 'mtrl-checks-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const rl = { objective: 'rl', mode: 'think', stepCount: 2, optimizer: { learningRate: 1e-4 } } as const;
const rows = { reader: 'jsonl', path: 'a.jsonl', imageFolder: 'i', fields: {} } as const;
const good = {
  name: 'checked',
  policy: { checkpoint: 'base' },
  tasks: {
    shows: { kind: 'pointwise', labels: ['yes', 'no'], prompt: '<image>' },
    stars: { kind: 'score', labels: ['1', '2', '3'], prompt: '<image>' },
    pair: { kind: 'pairwise', labels: ['first', 'second'], prompt: '<image> <image>' },
  },
  datasets: [
    { ...rows, task: 'shows', split: { train: 0.5, test: 0.5, seed: 0 } },
    { ...rows, task: 'stars', split: { train: 0.5, test: 0.5, seed: 0 } },
    { ...rows, task: 'pair', split: { train: 0.5, test: 0.5, seed: 0 }, fields: { images: ['a', 'b'] } },
  ],
  arms: { rl: rl },
} satisfies RecipeInput;

function messageOf(recipe: unknown): string {
  try {
    parseRecipe(recipe);
    return 'accepted';
  } catch (error) {
    if (error instanceof MtrlError) return error.message;
    throw error;
  }
}

const withTask = (task: object) => ({ ...good, tasks: { ...good.tasks, shows: { ...good.tasks.shows, ...task } } });
const withData = (data: object) => ({
  ...good,
  datasets: [{ ...good.datasets[0], ...data }, ...good.datasets.slice(1)],
});
const withArm = (arm: object) => ({ ...good, arms: { rl: { ...rl, ...arm } } });

const wrong: readonly (readonly [string, unknown, string])[] = [
  [
    'a pair of five',
    withTask({ kind: 'pairwise', labels: ['a', 'b', 'c', 'd', 'e'] }),
    'tasks.shows.labels: found ["a","b","c","d","e"]; allowed: two labels',
  ],
  ['scores that are words', withTask({ kind: 'score' }), 'tasks.shows.labels: found ["yes","no"]; allowed: numbers'],
  [
    'scores that descend',
    withTask({ kind: 'score', labels: ['3', '1'] }),
    'allowed: numbers in quotes, the lowest first',
  ],
  ['real labels', withTask({ real: true }), 'tasks.shows.real: found true'],
  [
    'another verdict format',
    withTask({ verdictFormat: 'xml' }),
    'tasks.shows.verdictFormat: found "xml"; allowed: tagged, json, last-line',
  ],
  [
    'a threshold to nowhere',
    withData({ labelThresholds: [{ label: 'maybe', from: 1 }] }),
    'datasets.0.labelThresholds.0.label: found "maybe"',
  ],
  [
    'thresholds and a map',
    withData({ labelThresholds: [{ label: 'yes' }], labelMap: { a: 'yes' } }),
    'found labelMap too',
  ],
  [
    'Muon for adapters',
    withArm({ optimizer: { name: 'muon', learningRate: 1e-3 }, lora: { rank: 2, alpha: 4 } }),
    'arms.rl.optimizer.name: found "muon"; allowed: adamw, because only adapters are trained',
  ],
  ['an order of single pictures', withData({ randomOrderSeed: 1 }), 'datasets.0.randomOrderSeed: found 1'],
  ['shares that do not add up', withData({ split: { train: 0.5, test: 0.4, seed: 0 } }), 'shares that add up to 1'],
  [
    'a weight missing',
    withArm({ mixture: { strategy: 'weights', weights: { shows: 1 } } }),
    'found no weight of stars, pair',
  ],
  [
    'a cap of no task',
    withArm({ mixture: { exampleCountMax: { other: 1 } } }),
    'arms.rl.mixture.exampleCountMax.other',
  ],
  ['a balance of what is not there', withArm({ mixture: { balance: 'verdict' } }), 'arms.rl.mixture.balance'],
  [
    'a balance of labels that are no classes',
    {
      ...withTask({ kind: 'criteria', criteria: { clear: null, safe: null } }),
      arms: { rl: { ...rl, tasks: ['shows'], mixture: { balance: 'label' } } },
    },
    'arms.rl.mixture.balance: found "label"; allowed: none, because labels of shows are not classes',
  ],
  [
    'changed pictures of no task',
    withArm({ augmentation: { other: { flip: true } } }),
    'arms.rl.augmentation.other: found a task that the arm does not train on',
  ],
  ['a reward of no task', withArm({ reward: { taskWeights: { other: 1 } } }), 'arms.rl.reward.taskWeights.other'],
  ['a metric of no kind', withTask({ headline: 'elo' }), 'tasks.shows.headline: found "elo"; allowed: accuracy'],
  [
    'a metric of another kind',
    withTask({ headline: 'kendallTau' }),
    'tasks.shows.headline: found "kendallTau"; allowed: accuracy, macroF1, accPlus, pearson, spearman, because the task is pointwise',
  ],
  [
    'accuracy without ties where there are none',
    { ...good, tasks: { ...good.tasks, pair: { ...good.tasks.pair, headline: 'accuracyWithoutTies' } } },
    'tasks.pair.headline: found "accuracyWithoutTies"; allowed: accuracy, macroF1, consistentAccuracy',
  ],
  [
    'a penalty beyond the end',
    withArm({ reward: { overlong: { fromTokenCount: 32, penalty: 1 } } }),
    'fromTokenCount: found 32; allowed: < 32',
  ],
  [
    'more groups than rounds',
    withArm({ dynamicSampling: { informativeGroupCountMin: 49 } }),
    'informativeGroupCountMin: found 49; allowed: <= 48',
  ],
  [
    'a grader of no address',
    withArm({ reward: { grader: { url: 'file:///x', weight: 1 } } }),
    'arms.rl.reward.grader.url',
  ],
  ['bits without end', { ...good, leaks: { distanceMax: 20 } }, 'leaks.distanceMax: found 20'],
];

describe('a recipe', () => {
  test('is accepted if it is valid', () => {
    expect(messageOf(good)).toBe('accepted');
  });
  test.each(wrong)('is refused with its path for %s', (_, recipe, message) => {
    expect(messageOf(recipe)).toContain(message);
  });
});

describe('include', () => {
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const fragment = `
tasks:
  shows: { kind: pointwise, labels: [a, b], prompt: "<image>" }
  more: { kind: pointwise, labels: [a, b], prompt: "<image>" }
datasets: [{ reader: jsonl, task: more, split: test, path: more.jsonl, imageFolder: i, fields: {} }]
`;
  const recipe = `
name: whole
policy: { checkpoint: base }
dataFolder: data
include: [fragment.yaml]
tasks: { shows: { kind: pointwise, labels: ['yes', 'no'], prompt: "<image>" } }
datasets: [{ reader: jsonl, task: shows, split: test, path: shows.jsonl, imageFolder: i, fields: {} }]
arms: { base: { objective: none, mode: think } }
`;

  test('adds tasks and datasets; the recipe’s own come first and take precedence', () => {
    write('fragment.yaml', fragment);
    const { parsed } = loadRecipeFile(write('recipe.yaml', recipe), []);
    expect(Object.keys(parsed.tasks)).toEqual(['shows', 'more']);
    expect(parsed.tasks['shows']?.labels).toEqual(['yes', 'no']);
    const paths = parsed.datasets.map((dataset) => 'path' in dataset && dataset.path);
    expect(paths).toEqual([join(folder, 'data', 'shows.jsonl'), join(folder, 'data', 'more.jsonl')]);
  });

  test('lets --set change included fields', () => {
    write('fragment.yaml', fragment);
    const { parsed } = loadRecipeFile(write('recipe.yaml', recipe), ['tasks.more.ood=true', 'datasets.1.path=x.jsonl']);
    expect(parsed.tasks['more']?.ood).toBe(true);
  });

  const broken: readonly (readonly [string, string, string])[] = [
    ['is not there', 'include: [none.yaml]', 'FILE_MISSING'],
    ['is no list', 'include: fragment.yaml', 'RECIPE_INVALID'],
    ['holds arms', 'include: [arms.yaml]', 'RECIPE_INVALID'],
    ['is no YAML', 'include: [broken.yaml]', 'RECIPE_INVALID'],
  ];
  test.each(broken)('is refused if it %s', (_, line, code) => {
    write('arms.yaml', 'arms: {}');
    write('broken.yaml', 'tasks: [');
    const file = write('recipe.yaml', recipe.replace('include: [fragment.yaml]', line));
    expect(() => loadRecipeFile(file, [])).toThrow(expect.objectContaining({ code }) as Error);
  });
});

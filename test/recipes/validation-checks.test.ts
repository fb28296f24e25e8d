import { describe, expect, it } from 'vitest';
import { parseRecipe } from '../../recipes/load.ts';
import { planRuns } from '../../pipeline/training/plan-runs.ts';
import { asksOf } from '../../pipeline/data/admission-asks.ts';

const rows = { reader: 'jsonl', path: 'a.jsonl', imageFolder: 'i', fields: {} };
const task = { kind: 'pointwise', labels: ['yes', 'no'], prompt: '<image>' };
const split = { train: 0.5, val: 0.2, test: 0.3, seed: 0 };
const arm = { objective: 'sft', mode: 'direct', stepCount: 1_000, optimizer: { learningRate: 1 } };
const recipeWith = (validation: object, changes: { arm?: object; split?: object; evaluation?: object } = {}) => ({
  name: 'validated',
  policy: { checkpoint: 'base' },
  tasks: { a: task, b: task, c: { ...task, ood: true } },
  datasets: [
    { ...rows, task: 'a', split },
    { ...rows, task: 'b', split: changes.split ?? split },
    { ...rows, task: 'c', split: 'test' },
  ],
  arms: { sft: { ...arm, validation, ...changes.arm } },
  ...(changes.evaluation && { evaluation: changes.evaluation }),
});

describe('validation of an arm', () => {
  it('is planned for the trained tasks, by what the recipe says or leaves open', () => {
    const recipe = parseRecipe(recipeWith({ everyStepCount: 50 }));
    const common = { split: 'val', tasks: ['a', 'b'], improvementMin: 0 };
    expect(planRuns(recipe)[0]?.validation).toEqual({ ...common, everyStepCount: 50, metric: 'macroF1' });
    const other = parseRecipe(recipeWith({ everyStepCount: 5, metric: 'accuracy', patience: 3, improvementMin: 0.01 }));
    expect(planRuns(other)[0]?.validation).toMatchObject({ metric: 'accuracy', patience: 3, improvementMin: 0.01 });
    const none = parseRecipe({ ...recipeWith({}), arms: { sft: arm } });
    expect(planRuns(none)[0]).not.toHaveProperty('validation');
  });

  it('has its prompts checked before anything is trained', () => {
    const asks = asksOf(parseRecipe(recipeWith({ everyStepCount: 50 })), { by: 'arms' });
    expect(asks.filter((ask) => ask.split === 'val')).toEqual(
      ['a', 'b'].map((name) => ({
        ...{ task: name, split: 'val', mode: 'direct', completion: 40, probes: [], isForced: false },
      })),
    );
  });

  it.each([
    [
      'a split that a task lacks',
      recipeWith({ everyStepCount: 50 }, { split: { train: 0.5, test: 0.5, seed: 0 } }),
      'arms.sft.validation.split: found "val", and no val dataset of b; allowed: an entry of datasets with split: val for every trained task',
    ],
    ['the test split', recipeWith({ everyStepCount: 50, split: 'test' }), 'arms.sft.validation.split'],
    [
      'the split that is evaluated',
      recipeWith({ everyStepCount: 50 }, { evaluation: { split: 'val', tasks: ['a', 'b'] } }),
      'evaluation.split: found "val"; allowed: another split, because arm sft selects its checkpoint on val',
    ],
    [
      'more validations than a report can show',
      recipeWith({ everyStepCount: 4 }),
      'arms.sft.validation.everyStepCount: found 4; allowed: >= 5',
    ],
    [
      'a mean of snapshots too',
      recipeWith({ everyStepCount: 50 }, { arm: { averagedSnapshotCount: 2 } }),
      'arms.sft.averagedSnapshotCount: found 2; allowed: nothing',
    ],
    ['another metric', recipeWith({ everyStepCount: 50, metric: 'elo' }), 'arms.sft.validation.metric'],
    ['no patience', recipeWith({ everyStepCount: 50, patience: 0 }), 'arms.sft.validation.patience'],
  ])('refuses %s', (_, recipe, problem) => {
    expect(() => parseRecipe(recipe)).toThrow(problem);
  });
});

import { expect, test } from 'vitest';
import type { TaskScores } from '../../contract/activities.ts';
import { variantLines } from '../../cli/show/variant-lines.ts';

const scores: TaskScores = {
  ...{ task: 'safety', ood: false, exampleCount: 10, macroF1: 0.8, accuracy: 0.8 },
  ...{ majorityMacroF1: 0.3, unparsableRate: 0, truncatedRate: 0 },
  split: 'test',
  ci95: [0.7, 0.9],
};

test('prints no lines for an evaluation without variants', () => {
  expect(variantLines([scores])).toEqual([]);
});

test('prints a line per variant, also for one that could not be evaluated', () => {
  const asked = {
    ...{ exampleCount: 10, macroF1: 0.4, accuracy: 0.4, strictMacroF1: 0.8 },
    ...{ sameVerdictRate: 0.55, unparsableRate: 0, truncatedRate: 0 },
    ci95: [0.3, 0.5] as const,
  };
  const samples = {
    sampleCount: 4,
    passAt1: 0.6,
    passAtK: 0.9,
    majAtK: 0.7,
    majMacroF1: 0.7,
    likeliestOfK: 0.75,
    agreement: 0.8,
  };
  const variants = [
    { name: 'blank-image', scores: asked },
    { name: 'caption-mismatch', refused: 'the prompt uses no text of the examples' },
  ];
  expect(variantLines([{ ...scores, samples, variants }])).toEqual([
    'safety  4 samples         pass@1 60.0, maj@k 70.0, agreement 80.0',
    'safety  blank-image       40.0 against 80.0 strict, same verdict 55.0',
    'safety  caption-mismatch  not asked: the prompt uses no text of the examples',
  ]);
});

import { expect, test } from 'vitest';
import type { RunProgress, StepRow } from '../../contract/progress.ts';
import { runDetails } from '../../workflows/training/details.ts';
import { refTo } from './made-up-activities.ts';

const progress: RunProgress = {
  ...{ runName: 'dpo/s0', workflowId: 'x/dpo/s0', arm: 'dpo', seed: 0, state: 'training', phase: 'step 2: update' },
  ...{ step: 2, stepCount: 9, cache: { hits: 0, misses: 5 }, computeMs: 1000, startedAtMs: 0 },
  checkpoint: refTo('checkpoint'),
};
const made = { loss: 0.6931, gradientNorm: 1, learningRate: 1e-4, cachedCount: 0 };
const cellsOf = (line = ''): string[] =>
  line
    .split('|')
    .map((cell) => cell.replaceAll('\u00a0', '').trim())
    .filter((cell) => cell !== '');
const tableOf = (rows: readonly StepRow[]): string[][] =>
  runDetails(progress, rows)
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map(cellsOf);

test('the details of a run show what its steps measured, newest first, without columns that no step fills', () => {
  const sampled = { reward: 0.5, accuracy: 0.4, formatRate: 1, informativeGroupRate: 0.75, agreement: 0.9 };
  const compared = { klMean: 0.01, pairMargin: -0.25, logProbDifferenceMax: 1.2e-6, samplerKlMean: 7e-13 };
  const speed = { rolloutTokensPerSecond: 480.4 };
  expect(
    tableOf([
      { step: 0, ...made, loss: 1 },
      { step: 1, ...made, ...sampled, ...compared, ...speed },
    ]),
  ).toEqual([
    [
      ...['step', 'reward', 'accuracy', 'format', 'agreement', 'loss', 'informative', 'KL', 'pair margin'],
      ...['log-prob difference', 'sampler KL', 'gradient norm', 'learning rate', 'tokens/s', 'from cache'],
    ],
    [
      ...['1', '0.500', '0.400', '1.000', '0.900', '0.6931', '0.750', '0.0100', '-0.250'],
      ...['1.2e-6', '7.0e-13', '1.000', '1.0e-4', '480', '0'],
    ],
    ['0', '1.0000', '1.000', '1.0e-4', '0'],
  ]);
  expect(tableOf([{ step: 0, ...made }])[0]).toEqual(['step', 'loss', 'gradient norm', 'learning rate', 'from cache']);
  expect(tableOf([{ step: 0, ...made, loss: -1e-6 }])[1]?.[1]).toBe('0.0000');
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PairedTest } from '../../judge/evaluation/paired-tests.ts';
import { compareArms, comparisonSentences } from '../../judge/report/compare.ts';
import { run, scores, test as paired } from './made-up.ts';

const sentences = (runs: readonly ReturnType<typeof run>[], tests: readonly PairedTest[]): string[] =>
  compareArms(runs, tests).flatMap(comparisonSentences);

const base = run('base', 'none', [scores('a', 0.6, [0.55, 0.65]), scores('b', 0.6, [0.55, 0.65])]);
const rl = run('mt-rl', 'rl', [scores('a', 0.64, [0.59, 0.69]), scores('b', 0.7, [0.66, 0.75])]);

test('claims a difference that the paired test finds, with its numbers, although the intervals overlap', () => {
  const unseen = [
    run('base', 'none', [scores('pair', 0.6, [0.55, 0.65], true)]),
    run('mt-rl', 'rl', [scores('pair', 0.64, [0.59, 0.69], true)]),
  ];
  expect(sentences(unseen, [paired('pair', 'mt-rl', 'base', 0.04, 0.013)])).toEqual([
    'On pair, which was never trained, mt-rl is higher than base: 64.0 (59.0–69.0) against 60.0 (55.0–65.0); ' +
      'difference 4.0 (-1.0 to 9.0), p = .013 by the paired bootstrap, McNemar p = .013, Holm over 2 tasks.',
  ]);
});

test('claims nothing for a p-value that Holm raises above .05', () => {
  const tests = [paired('a', 'mt-rl', 'base', 0.04, 0.06), paired('b', 'mt-rl', 'base', 0.1, 0.001)];
  expect(sentences([base, rl], tests)).toEqual([
    'In distribution, mt-rl is higher than base on 1 of 2 tasks (paired bootstrap, p < .05 after Holm; McNemar agrees on 1); no difference can be claimed on a.',
  ]);
});

test('claims nothing without a test, however far apart the intervals are', () => {
  const far = run('mt-rl', 'rl', [scores('a', 0.99, [0.98, 1])]);
  expect(sentences([base, far], [])).toEqual([
    'In distribution, no difference between mt-rl and base can be claimed on any of 1 tasks: they were not tested.',
  ]);
});

test('claims nothing if one of several seeds shows no difference', () => {
  const lucky = paired('a', 'mt-rl', 'base', 0.3, 0.001);
  const unlucky = { ...paired('a', 'mt-rl', 'base', 0.02, 0.4), runName: 'mt-rl/s1' };
  expect(sentences([base, rl], [lucky])[0]).toContain('higher');
  expect(sentences([base, rl], [lucky, unlucky])).toEqual([
    'In distribution, no difference between mt-rl and base can be claimed on any of 2 tasks: no paired test finds one.',
  ]);
});

test('a claim of one arm against another is the opposite of the reverse', () => {
  fc.assert(
    fc.property(fc.double({ min: -1, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }), (by, p) => {
      const claim = (first: typeof base, second: typeof base, difference: number) =>
        compareArms([first, second], [paired('a', second.arm, first.arm, difference, p)])[0]?.tasks[0]?.claim;
      const opposite = { higher: 'lower', lower: 'higher', none: 'none' } as const;
      const forward = claim(base, rl, by);
      expect(forward && opposite[forward]).toBe(claim(rl, base, -by));
    }),
    { numRuns: 100 },
  );
});

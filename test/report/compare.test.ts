import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareArms, comparisonSentences } from '../../judge/report/compare.ts';
import { run, scores } from './made-up.ts';

const sentences = (...runs: ReturnType<typeof run>[]): string[] => compareArms(runs).flatMap(comparisonSentences);

test('intervals that lie apart are claimed as a difference, with the numbers', () => {
  const base = run('base', 'none', [scores('pair', 0.6, [0.55, 0.65], true)]);
  const rl = run('mt-rl', 'grpo', [scores('pair', 0.97, [0.95, 0.99], true)]);
  expect(sentences(base, rl)).toEqual([
    'On pair, which was never trained, mt-rl is higher than base: 97.0 (95.0–99.0) against 60.0 (55.0–65.0); the intervals do not overlap.',
  ]);
});

test('intervals that touch claim nothing', () => {
  const base = run('base', 'none', [scores('a', 0.6, [0.55, 0.65]), scores('b', 0.6, [0.55, 0.65])]);
  const rl = run('mt-rl', 'grpo', [scores('a', 0.7, [0.65, 0.75]), scores('b', 0.7, [0.66, 0.75])]);
  expect(sentences(base, rl)).toEqual([
    'In distribution, mt-rl is higher than base on 1 of 2 tasks (intervals do not overlap); on a no difference can be claimed.',
  ]);
});

test('one seed of several that overlaps takes the claim away', () => {
  const base = run('base', 'none', [scores('a', 0.6, [0.55, 0.65])]);
  const lucky = run('mt-rl', 'grpo', [scores('a', 0.9, [0.88, 0.92])], 0);
  const unlucky = run('mt-rl', 'grpo', [scores('a', 0.66, [0.62, 0.7])], 1);
  expect(sentences(base, lucky)[0]).toContain('higher');
  expect(sentences(base, lucky, unlucky)).toEqual([
    'In distribution, no difference between mt-rl and base can be claimed on any of 1 tasks: all intervals overlap.',
  ]);
});

test('a claim of one arm against another is the opposite of the reverse', () => {
  const bounds = fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }));
  fc.assert(
    fc.property(bounds, bounds, ([a, b], [c, d]) => {
      const one = run('one', 'none', [scores('t', a, [Math.min(a, b), Math.max(a, b)])]);
      const two = run('two', 'none', [scores('t', c, [Math.min(c, d), Math.max(c, d)])]);
      const claim = (runs: ReturnType<typeof run>[]) => compareArms(runs)[0]?.tasks[0]?.claim;
      const opposite = { higher: 'lower', lower: 'higher', none: 'none' } as const;
      const forward = claim([one, two]);
      expect(forward && opposite[forward]).toBe(claim([two, one]));
    }),
    { numRuns: 100 },
  );
});

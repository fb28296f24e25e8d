import { expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { armDraws, type ArmRun } from '../../judge/evaluation/arms/arm-outcomes.ts';
import { armScore, armTests, columnsOf, meanColumn } from '../../judge/evaluation/arms/arm-scores.ts';
import { macroF1 } from '../../judge/evaluation/macro-f1.ts';
import type { ClusteredOutcome } from '../../judge/evaluation/statistics/bootstrap.ts';
import { pairedBootstrap } from '../../judge/evaluation/statistics/paired-bootstrap.ts';

const labels = ['yes', 'no'];
const settings = { labels: { a: labels, b: labels, unseen: labels }, resampleCount: 400, seed: 5 };
const noTurn = () => Promise.resolve();
const draws = (runs: readonly ArmRun[]) => armDraws(runs, settings, noTurn);

/** `rightRate` of 120 answers are right, by a stream of its own. */
function answers(rightRate: number, name: string): ClusteredOutcome[] {
  const rng = new Rng('answers', name);
  return Array.from({ length: 120 }, (_, i) => {
    const label = i % 2 === 0 ? 'yes' : 'no';
    const other = label === 'yes' ? 'no' : 'yes';
    return { label, predicted: rng.chance(rightRate) ? label : other, clusterKey: String(i >> 1) };
  });
}

const run = (seed: number, outcomes: Record<string, ClusteredOutcome[]>): ArmRun => ({
  seed,
  outcomes: new Map(Object.entries(outcomes)),
});

async function arm(name: string, runs: readonly ArmRun[], seen: readonly string[] = ['a', 'b']) {
  const drawn = await draws(runs);
  return { arm: name, seeds: drawn.seeds, columns: columnsOf(drawn, seen) };
}

test('with one seed each, the test of two arms is the paired bootstrap of their two runs', async () => {
  const [ours, theirs] = [answers(0.9, 'ours'), answers(0.7, 'theirs')];
  const [found] = armTests(await arm('x', [run(0, { a: ours })]), await arm('y', [run(0, { a: theirs })]), 5);
  const expected = pairedBootstrap(ours, theirs, labels, 400, new Rng('paired bootstrap', 5, 'a'));
  expect(found?.difference).toBeCloseTo(expected.difference, 12);
  expect(found?.p).toBe(expected.p);
  expect(found?.ci95[0]).toBeCloseTo(expected.ci95[0], 12);
  expect(found?.ci95[1]).toBeCloseTo(expected.ci95[1], 12);
});

test('the score is the mean over seeds with their deviation, and the mean column that over the trained tasks', async () => {
  const runs = [0.6, 0.8, 0.9].map((rate, seed) =>
    run(seed, {
      a: answers(rate, `a${String(seed)}`),
      b: answers(rate, `b${String(seed)}`),
      unseen: answers(0.5, 'u'),
    }),
  );
  const { columns } = await arm('x', runs);
  expect([...columns.keys()]).toEqual(['a', 'b', 'unseen', meanColumn]);
  const points = runs.map(({ outcomes }) => macroF1(outcomes.get('a') ?? [], labels));
  const [one = 0, two = 0, three = 0] = points;
  const a = columns.get('a');
  const b = columns.get('b');
  const mean = columns.get(meanColumn);
  if (!a || !b || !mean) throw new Error('columns');
  const score = armScore(a, 5);
  expect(score.bySeed).toEqual(points);
  expect(score.value).toBeCloseTo((one + two + three) / 3, 12);
  const spread = [one, two, three].reduce((sum, point) => sum + (point - score.value) ** 2, 0);
  expect(score.seedDeviation).toBeCloseTo(Math.sqrt(spread / 2), 12);
  expect(armScore(mean, 5).value).toBeCloseTo((score.value + armScore(b, 5).value) / 2, 12);
});

test('seeds that disagree widen the interval of a difference that examples alone would call certain', async () => {
  const base = await arm('base', [run(0, { a: answers(0.7, 'base') })]);
  const steady = await arm(
    'steady',
    [0, 1, 2].map((seed) => run(seed, { a: answers(0.85, 'steady') })),
  );
  const lucky = await arm(
    'lucky',
    [0.55, 0.99, 0.99].map((rate, seed) => run(seed, { a: answers(rate, 'l') })),
  );
  const [certain] = armTests(steady, base, 5);
  const [uncertain] = armTests(lucky, base, 5);
  const width = ([low, high]: readonly [number, number]) => high - low;
  expect(certain?.p).toBeLessThan(0.05);
  expect(Math.abs((uncertain?.difference ?? 0) - (certain?.difference ?? 0))).toBeLessThan(0.05);
  expect(width(uncertain?.ci95 ?? [0, 0])).toBeGreaterThan(1.3 * width(certain?.ci95 ?? [0, 0]));
});

test('arms with the same seeds are paired by seed: what a seed does to both is no difference', async () => {
  const rates = [0.6, 0.8, 0.99];
  const seeds = (name: string, from: number) =>
    arm(
      name,
      rates.map((rate, i) => run(from + i, { a: answers(rate, `s${String(i)}`) })),
    );
  const [paired] = armTests(await seeds('x', 0), await seeds('y', 0), 5);
  const [unpaired] = armTests(await seeds('x', 0), await seeds('y', 7), 5);
  expect(paired?.ci95).toEqual([0, 0]);
  expect(unpaired?.ci95[0]).toBeLessThan(-0.02);
});

test('specialists score their own task, and an unseen one as the mean of theirs', async () => {
  const [unseenOfA, unseenOfB] = [answers(0.6, 'ua'), answers(0.8, 'ub')];
  const single = [
    run(0, { a: answers(0.9, 'a'), unseen: unseenOfA }),
    run(0, { b: answers(0.7, 'b'), unseen: unseenOfB }),
  ];
  const { columns } = await arm('single', single);
  expect([...columns.keys()]).toEqual(['a', 'unseen', 'b', meanColumn]);
  expect(columns.get('unseen')?.points[0]).toBeCloseTo(
    (macroF1(unseenOfA, labels) + macroF1(unseenOfB, labels)) / 2,
    12,
  );
});

test('a task that one seed lacks has no score, and no mean is made over some of the tasks', async () => {
  const { columns } = await arm('x', [
    run(0, { a: answers(0.9, '0'), b: answers(0.9, '1') }),
    run(1, { a: answers(0.9, '2') }),
  ]);
  expect([...columns.keys()]).toEqual(['a']);
});

test('p-values are corrected over all columns of two arms', async () => {
  const several = (rate: number, name: string) => ({ a: answers(rate, `${name}a`), b: answers(rate, `${name}b`) });
  const tests = armTests(await arm('x', [run(0, several(0.95, 'x'))]), await arm('y', [run(0, several(0.6, 'y'))]), 5);
  expect(tests.map(({ columnCount }) => columnCount)).toEqual([3, 3, 3]);
  expect(tests.map(({ holmP }) => holmP)).toEqual(Array.from({ length: 3 }, () => (2 / 401) * 3));
});

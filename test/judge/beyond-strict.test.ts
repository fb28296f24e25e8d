import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { correlationOf } from '../../judge/evaluation/correlation.ts';
import { forcedChoiceScores, labelProbabilities } from '../../judge/evaluation/forced-choice.ts';
import { judgedRow, type RowAnswer } from '../../judge/evaluation/judged-row.ts';
import { pairedTests, taskTests } from '../../judge/evaluation/paired-tests.ts';
import type { JudgedExample } from '../../judge/evaluation/metric.ts';
import { variantScores } from '../../judge/evaluation/variant-scores.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';
import type { Judgment } from '../../judge/example.ts';
import type { Order } from '../../judge/kinds/kind.ts';

const labels: TaskSpec['labels'] = ['first', 'second'];
const said = (verdict: string): Judgment => ({ ok: true, verdict, rationale: `because ${verdict}` });
const cutOff: Judgment = { ok: false, reason: 'truncated' };

function judged(id: string, label: string, judgment: Judgment, score?: number): JudgedExample {
  const example = { id, task: 't', split: 'test', images: [], fields: {}, label, groupKey: id } as const;
  return { example: { ...example, ...(score !== undefined && { score }) }, judgment };
}

describe('forced choice', () => {
  test('normalizes the probabilities over the labels, however unlikely all of them are', () => {
    const [a = NaN, b = NaN] = labelProbabilities([-1000, -1000 - Math.log(3)]);
    expect([a, b]).toEqual([expect.closeTo(0.75, 9), expect.closeTo(0.25, 9)]);
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -50, max: 0, noNaN: true }), { minLength: 2, maxLength: 6 }),
        (logProbs) => {
          const probabilities = labelProbabilities(logProbs);
          expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 9);
          expect(probabilities[logProbs.indexOf(Math.max(...logProbs))]).toBe(Math.max(...probabilities));
        },
      ),
    );
  });

  test('computes accuracy and calibration error of a correct but uncertain judge', () => {
    const choices = [0, 1, 2, 3].map((i) => ({
      label: i % 2 === 0 ? 'first' : 'second',
      probabilities: i % 2 === 0 ? [0.6, 0.4] : [0.4, 0.6],
      clusterKey: String(i),
    }));
    const scores = forcedChoiceScores(choices, labels, 50, new Rng('t'));
    expect(scores).toMatchObject({ macroF1: 1, accuracy: 1 });
    expect(scores.ece).toBeCloseTo(0.4, 9);
    expect(scores.brier).toBeCloseTo(0.16, 9);
  });
});

describe('correlation', () => {
  test('uses the scores of examples that have them, and ignores unparsable answers', () => {
    const all = [
      judged('a', 'second', said('second'), 4.5),
      judged('b', 'first', said('first'), 1.5),
      judged('c', 'first', cutOff, 2),
    ];
    expect(correlationOf(all, labels)).toMatchObject({ count: 2, pearson: expect.closeTo(1, 9) as number });
  });

  test('uses labels that are numbers, and is undefined for words', () => {
    const numbers = [judged('a', '1', said('3')), judged('b', '2', said('2')), judged('c', '3', said('1'))];
    expect(correlationOf(numbers, ['1', '2', '3'])).toMatchObject({ spearman: expect.closeTo(-1, 9) as number });
    expect(
      correlationOf([judged('a', 'first', said('first')), judged('b', 'second', said('first'))], labels),
    ).toBeUndefined();
  });
});

test('scores a variant with the labels of the strict examples, and by the verdicts that it changed', () => {
  const strict = [
    judged('a', 'first', said('first')),
    judged('b', 'second', said('second')),
    judged('c', 'first', cutOff),
  ];
  const asked = [judged('a', 'x', said('second')), judged('b', 'x', said('second')), judged('c', 'x', cutOff)];
  expect(
    variantScores('blank-image', asked, strict, { kind: 'pairwise', labels }, 50, new Rng('t')).scores,
  ).toMatchObject({
    ...{
      exampleCount: 3,
      accuracy: expect.closeTo(1 / 3, 9) as number,
      sameVerdictRate: expect.closeTo(2 / 3, 9) as number,
    },
    ...{
      truncatedRate: expect.closeTo(1 / 3, 9) as number,
      strictMacroF1: expect.closeTo((2 / 3 + 1) / 2, 9) as number,
    },
  });
});

describe('a judged row', () => {
  const answer = (judgment: Judgment, p: number, order: Order = [0, 1]): RowAnswer => ({
    ...{ text: 'text', judgment, probabilities: [p, 1 - p], order },
  });
  const pairLabels = ['first', 'second'] as const;

  test('has one verdict if both orders of a pair agree', () => {
    const row = judgedRow('pair', [answer(said('first'), 0.9), answer(said('second'), 0.3, [1, 0])], pairLabels);
    expect(row).toMatchObject({ verdict: 'first', agreement: true, likeliest: 'first', rationale: 'because first' });
    expect(row.probabilities).toEqual({
      first: expect.closeTo(0.8, 9) as number,
      second: expect.closeTo(0.2, 9) as number,
    });
  });

  test('does not agree if the judge always says first, and follows the probabilities', () => {
    const row = judgedRow('pair', [answer(said('first'), 0.6), answer(said('first'), 0.9, [1, 0])], pairLabels);
    expect(row).toMatchObject({ agreement: false, verdict: 'second', likeliest: 'second' });
  });

  test('reports why an answer is unparsable, and the likeliest label', () => {
    const row = judgedRow('one', [answer(cutOff, 0.2)], pairLabels);
    expect(row).toMatchObject({ verdict: null, unparsable: 'truncated', likeliest: 'second' });
    expect(row).not.toHaveProperty('agreement');
  });
});

describe('paired tests of arms', () => {
  /** A run with correct verdicts on the first `rightCount` of 200 examples in each of two tasks. */
  const run = (arm: string, seed: number, rightCount: number) => {
    const outcomes = Array.from({ length: 200 }, (_, i) => {
      const [label, other] = i % 2 === 0 ? (['first', 'second'] as const) : (['second', 'first'] as const);
      return { label, predicted: i < rightCount ? label : other, clusterKey: String(i) };
    });
    const tasks = new Map(['one', 'two'].map((task) => [task, outcomes]));
    return { runName: `${arm}/s${String(seed)}`, arm, seed, outcomes: tasks };
  };
  const settings = { labels: { one: labels, two: labels }, resampleCount: 400, seed: 0 };
  const testsOf = (...runs: ReturnType<typeof run>[]) =>
    pairedTests(runs, (one, other) => taskTests(one.outcomes, other.outcomes, settings, () => Promise.resolve()));

  test('find a difference, corrected over tasks, with the sign of the later arm', async () => {
    const tests = await testsOf(run('base', 0, 120), run('rl', 0, 180));
    expect(tests.map(({ task, arm, otherArm }) => [task, arm, otherArm])).toEqual([
      ['one', 'rl', 'base'],
      ['two', 'rl', 'base'],
    ]);
    for (const { difference, p, holmP, mcNemarHolmP, onlyThisCorrect, onlyOtherCorrect } of tests) {
      expect(difference).toBeGreaterThan(0.2);
      expect(holmP).toBeCloseTo(Math.min(1, 2 * p), 9);
      expect([holmP < 0.05, mcNemarHolmP < 0.05]).toEqual([true, true]);
      expect([onlyThisCorrect, onlyOtherCorrect]).toEqual([60, 0]);
    }
  });

  test('pair runs by seed, and every run with the only one of another arm', async () => {
    const tests = await testsOf(
      run('base', 0, 100),
      run('sft', 0, 110),
      run('sft', 1, 110),
      run('rl', 0, 120),
      run('rl', 1, 120),
    );
    const names = tests
      .filter(({ task }) => task === 'one')
      .map(({ runName, otherRunName }) => `${runName} ${otherRunName}`);
    expect(names).toEqual([
      'sft/s0 base/s0',
      'sft/s1 base/s0',
      'rl/s0 base/s0',
      'rl/s1 base/s0',
      'rl/s0 sft/s0',
      'rl/s1 sft/s1',
    ]);
  });
});

/** Mean absolute error against scikit-learn, its interval, and the same of several criteria and of recorded verdicts. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import type { JudgedExample } from '../../judge/evaluation/metric.ts';
import { taskScores } from '../../judge/evaluation/scores.ts';
import { krippendorffAlpha } from '../../judge/evaluation/statistics/krippendorff.ts';
import type { Judgment } from '../../judge/example.ts';
import { labelScores } from '../../judge/scoring/label-sums.ts';
import { addNumbers, numberScores, numberSumCount } from '../../judge/scoring/number-sums.ts';
import { scoreJudges } from '../../judge/scoring/score-judges.ts';
import { countOutcome } from '../../judge/evaluation/statistics/bootstrap.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';

interface Case {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  readonly labels: readonly number[];
  readonly answers: readonly (number | null)[];
  readonly expected: { readonly count: number; readonly mean: number; readonly ofMedian: number };
}

const cases = JSON.parse(
  readFileSync(new URL('../fixtures/absolute-error/expected.json', import.meta.url), 'utf8'),
) as readonly Case[];

const judgedOf = (labels: readonly string[], judgments: readonly Judgment[], clusterSize = 1): JudgedExample[] =>
  labels.map((label, i) => ({
    example: {
      ...{ id: String(i), task: 't', split: 'test', images: [], fields: {}, label },
      ...{ groupKey: String(Math.floor(i / clusterSize)), score: Number(label) },
    },
    judgment: judgments[i] ?? { ok: false, reason: 'truncated' },
  }));
const unread: Judgment = { ok: false, reason: 'truncated' };
const number = (value: number | null): Judgment =>
  value === null ? unread : { ok: true, verdict: String(value), rationale: '', score: value };

describe.each(cases)('matches scikit-learn: $name', ({ low, high, labels, answers, expected }) => {
  const spec: TaskSpec = {
    ...{ kind: 'score', labels: [String(low), String(high)], real: true, prompt: '', ood: false },
  };
  const scores = (given: readonly number[], said: readonly (number | null)[]) =>
    taskScores({
      ...{ task: 't', spec, split: 'test', resampleCount: 500, seed: 0 },
      judged: judgedOf(given.map(String), said.map(number)),
    });

  test('over the answers that are numbers, and of always the median', () => {
    const { absoluteError } = scores(labels, answers);
    expect(absoluteError?.count).toBe(expected.count);
    expect(absoluteError?.mean).toBeCloseTo(expected.mean, 12);
    expect(absoluteError?.ofMedian).toBeCloseTo(expected.ofMedian, 12);
    const [lowest, highest] = absoluteError?.ci95 ?? [NaN, NaN];
    expect(lowest).toBeLessThan(expected.mean);
    expect(highest).toBeGreaterThan(expected.mean);
  });

  test('is absent if no answer is a number, and 0 with an interval of nothing for a perfect judge', () => {
    expect(
      scores(
        labels,
        labels.map(() => null),
      ).absoluteError,
    ).toBeUndefined();
    expect(scores(labels, labels).absoluteError).toMatchObject({ mean: 0, ci95: [0, 0] });
  });
});

test('the interval is of whole clusters', () => {
  const labels = Array.from({ length: 200 }, (_, i) => String(i % 5));
  // Both judgments of a cluster are off by the same: as clusters there are half as many independent errors.
  const said = labels.map((label, i) => number(Number(label) + (Math.floor(i / 2) % 7)));
  const spec: TaskSpec = { kind: 'score', labels: ['0', '20'], real: true, prompt: '', ood: false };
  const widthOf = (clusterSize: number): number => {
    const judged = judgedOf(labels, said, clusterSize);
    const { absoluteError } = taskScores({ task: 't', spec, split: 'test', judged, resampleCount: 4000, seed: 0 });
    const [low, high] = absoluteError?.ci95 ?? [0, 0];
    return high - low;
  };
  expect(widthOf(2) / widthOf(1)).toBeCloseTo(Math.SQRT2, 1);
});

test('each criterion whose labels are numbers has its own; worked by hand', () => {
  const spec: TaskSpec = {
    ...{ kind: 'criteria', labels: ['1', '2', '3'], criteria: { clear: null, safe: ['yes', 'no'] } },
    ...{ prompt: '', ood: false },
  };
  const said = ['clear: 3, safe: yes', 'clear: 2, safe: no'].map((verdict): Judgment => ({
    ok: true,
    verdict,
    rationale: '',
  }));
  const labels = ['clear: 1, safe: yes', 'clear: 2, safe: yes', 'clear: 3, safe: no'];
  const judged = judgedOf(labels, said).map(({ example: { score: _, ...example }, judgment }) => ({
    example,
    judgment,
  }));
  const { criteria } = taskScores({ task: 't', spec, split: 'test', judged, resampleCount: 50, seed: 0 });
  // Errors 2 and 0; the third answer is unread. The median of 1, 2, 3 is off by 1, 0 and 1.
  expect(criteria?.[0]?.absoluteError).toMatchObject({ count: 2, mean: 1, ofMedian: 2 / 3 });
  expect(criteria?.[1]).not.toHaveProperty('absoluteError');
});

describe('sums of recorded verdicts', () => {
  const pair = fc.record({ given: fc.integer({ min: -5, max: 5 }), said: fc.integer({ min: -5, max: 5 }) });

  test('give the error and alpha of the numbers', () => {
    fc.assert(
      fc.property(fc.array(pair, { minLength: 1, maxLength: 30 }), (pairs) => {
        const sums = new Float64Array(2 + numberSumCount);
        for (const each of pairs) addNumbers(sums, 2, each);
        const mean = pairs.reduce((sum, { given, said }) => sum + Math.abs(given - said), 0) / pairs.length;
        expect(numberScores.absoluteError(sums, 2)).toBeCloseTo(mean, 12);
        const units = pairs.map(({ given, said }) =>
          given === said
            ? new Map([[String(given), 2]])
            : new Map([String(given), String(said)].map((one) => [one, 1])),
        );
        const alpha = krippendorffAlpha(units, 'interval');
        const found = numberScores.krippendorffAlpha(sums, 2);
        if (alpha === undefined) expect(found).toBeNaN();
        else expect(found).toBeCloseTo(alpha, 9);
      }),
    );
  });

  test('and the alpha of labels, an unread verdict being a value of its own', () => {
    const labels = ['a', 'b', 'c'] as const;
    const outcome = fc.record({ label: fc.constantFrom(...labels), predicted: fc.constantFrom(...labels, undefined) });
    fc.assert(
      fc.property(fc.array(outcome, { minLength: 1, maxLength: 30 }), (outcomes) => {
        const sums = new Float64Array(9);
        for (const one of outcomes) countOutcome(sums, 0, one, labels);
        const units = outcomes.map(({ label, predicted = '' }) =>
          label === predicted ? new Map([[label as string, 2]]) : new Map([label, predicted].map((one) => [one, 1])),
        );
        const alpha = krippendorffAlpha(units, 'nominal');
        const found = labelScores.krippendorffAlpha(sums, 0, 3, outcomes.length);
        if (alpha === undefined) expect(found).toBeNaN();
        else expect(found).toBeCloseTo(alpha, 9);
      }),
    );
  });

  test('have intervals of both, those of the scores that stand beside them', () => {
    const spec: TaskSpec = { kind: 'score', labels: ['1', '2', '3', '4', '5'], prompt: '', ood: false };
    const rows = Array.from({ length: 60 }, (_, i) => ({
      ...{ id: String(i), label: String((i % 5) + 1), score: (i % 5) + 1, groupKey: String(i) },
    }));
    const verdicts = rows.map(({ id, score }, i) => {
      const text = String(Math.min(5, score + (i % 3)));
      return { rowId: id, order: 0, text, judgment: { ok: true as const, verdict: text, rationale: '' } };
    });
    const [judge] = scoreJudges('t', spec, rows, new Map([['a', verdicts]]), { resampleCount: 400, seed: 0 }).judges;
    const { intervals, scores } = required(judge, 'a judge');
    expect(intervals['absoluteError']).toEqual(scores.absoluteError?.ci95);
    for (const [name, value] of [
      ['absoluteError', scores.absoluteError?.mean],
      ['krippendorffAlpha', scores.krippendorffAlpha],
    ] as const) {
      const [low, high] = intervals[name] ?? [NaN, NaN];
      expect(low).toBeLessThan(value ?? NaN);
      expect(high).toBeGreaterThan(value ?? NaN);
    }
  });
});

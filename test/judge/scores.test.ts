import { describe, expect, test } from 'vitest';
import type { TaskScores } from '../../judge/evaluation/task-scores.ts';
import type { Example, Judgment } from '../../judge/example.ts';
import { orderScores } from '../../judge/evaluation/order.ts';
import type { JudgedExample } from '../../judge/evaluation/metric.ts';
import { taskScores } from '../../judge/evaluation/scores.ts';
import { swapPair } from './swap-pair.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';

const spec: TaskSpec = { kind: 'pairwise', labels: ['first', 'second'], prompt: '<image><image>', ood: true };

function pair(index: number): Example {
  return {
    id: `pair/test/${index}`,
    task: 'pair',
    split: 'test',
    images: [`good-${index}`, `bad-${index}`],
    fields: {},
    label: 'first',
    groupKey: `g${index}`,
  };
}

const says = (verdict: string): Judgment => ({ ok: true, verdict, rationale: 'so' });

/** Every pair in both orders, judged by the given rule. */
function judgedPairs(count: number, judge: (shown: Example) => Judgment): JudgedExample[] {
  return Array.from({ length: count }, (_, i) => pair(i)).flatMap((stored) => {
    const swapped = swapPair(stored, spec.labels);
    return [
      { example: stored, judgment: judge(stored) },
      { example: swapped, judgment: judge(swapped), reordered: { of: stored.id, order: [1, 0] } },
    ];
  });
}

const scoresOf = (judged: readonly JudgedExample[], task: TaskSpec = spec) =>
  taskScores({ task: 'pair', spec: task, split: 'test', judged, resampleCount: 200, seed: 0 });

describe('pairs in both orders', () => {
  test('a judge that always says first gets a macro-F1 of 1/3, an accuracy of 1/2 and no consistency', () => {
    expect(scoresOf(judgedPairs(20, () => says('first')))).toMatchObject({
      task: 'pair',
      split: 'test',
      ood: true,
      exampleCount: 20,
      macroF1: 1 / 3,
      accuracy: 0.5,
      majorityMacroF1: 1 / 3,
      consistencyRate: 0,
      firstPositionRate: 1,
      consistentAccuracy: 0,
      unparsableRate: 0,
    });
  });

  test('a judge that looks is consistent and has no position bias', () => {
    const looking = (shown: Example): Judgment =>
      says(shown.images[0]?.startsWith('good') === true ? 'first' : 'second');
    expect(scoresOf(judgedPairs(20, looking))).toMatchObject({
      macroF1: 1,
      ci95: [1, 1],
      consistencyRate: 1,
      firstPositionRate: 0.5,
      consistentAccuracy: 1,
    });
  });

  test('a judge that is wrong in both orders is consistent, and consistently wrong', () => {
    const perverse = (shown: Example): Judgment =>
      says(shown.images[0]?.startsWith('good') === true ? 'second' : 'first');
    expect(scoresOf(judgedPairs(4, perverse))).toMatchObject({ macroF1: 0, consistencyRate: 1, consistentAccuracy: 0 });
  });

  test('an unparsable answer is not consistent and has no position', () => {
    const judged = judgedPairs(10, (shown) =>
      shown.id.endsWith('#swapped') ? { ok: false, reason: 'truncated' } : says('first'),
    );
    expect(scoresOf(judged)).toMatchObject({
      consistencyRate: 0,
      firstPositionRate: 1,
      unparsableRate: 0.5,
      truncatedRate: 0.5,
      accuracy: 0.5,
    });
    expect(scoresOf(judgedPairs(3, () => ({ ok: false, reason: 'verdict-missing' })))).not.toHaveProperty(
      'firstPositionRate',
    );
  });

  test('both orders of a pair are one cluster: the interval is computed over pairs, not over judgments', () => {
    const rightOnEven = (shown: Example): Judgment => {
      const isGoodFirst = shown.images[0]?.startsWith('good') === true;
      const isRight = Number(/\d+/.exec(shown.id)?.[0]) % 2 === 0;
      return says(isGoodFirst === isRight ? 'first' : 'second');
    };
    const judged = judgedPairs(100, rightOnEven);
    const alone = judged.map((one) => ({ ...one, example: { ...one.example, groupKey: one.example.id } }));
    const widthOf = ({ ci95: [low, high] = [NaN, NaN] }: TaskScores): number => high - low;
    expect(widthOf(scoresOf(judged))).toBeGreaterThan(1.2 * widthOf(scoresOf(alone)));
  });

  test('there are no rates without pairs', () => {
    expect(orderScores([], spec.labels)).toBeUndefined();
  });

  test('a mirrored pair without its original throws', () => {
    expect(() => scoresOf(judgedPairs(2, () => says('first')).slice(1))).toThrow(/was not judged/);
  });
});

test('a pointwise task has no order scores, and truncated answers count as unparsable', () => {
  const pointwise: TaskSpec = { kind: 'pointwise', labels: ['yes', 'no'], prompt: '<image>', ood: false };
  const reasons = ['truncated', 'verdict-missing', undefined, undefined] as const;
  const judged = reasons.map((reason, i) => ({
    example: { ...pair(i), images: ['x'], label: i % 2 === 0 ? 'yes' : 'no' },
    judgment: reason === undefined ? says('yes') : ({ ok: false, reason } as const),
  }));
  const scores = scoresOf(judged, pointwise);
  expect(scores).toMatchObject({ exampleCount: 4, accuracy: 0.25, unparsableRate: 0.5, truncatedRate: 0.25 });
  expect(Object.keys(scores).filter((key) => /consisten|first/.test(key))).toEqual([]);
});

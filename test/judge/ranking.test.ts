import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Rng } from '../../core/rng.ts';
import { kendallTauB } from '../../judge/evaluation/statistics/kendall.ts';
import { levenshtein } from '../../judge/evaluation/statistics/levenshtein.ts';
import { spearman } from '../../judge/evaluation/statistics/spearman.ts';
import { taskScores } from '../../judge/evaluation/scores.ts';
import type { Example, Judgment } from '../../judge/example.ts';
import type { Labels } from '../../judge/kinds/kind.ts';
import { pairsInOrder, ranking } from '../../judge/kinds/ranking.ts';
import { rankingLabel } from '../../judge/kinds/ranking-label.ts';
import { ruledReward } from '../../judge/rewards.ts';
import { ruleFor } from '../../judge/tasks/candidates.ts';
import { readFirstLabel } from '../../judge/tasks/first-label.ts';
import { readVerdict, type VerdictRule } from '../../judge/tasks/read-verdict.ts';
import { labelInOrder, ordersOf, otherOrders, verdictInRow } from '../../judge/tasks/reorder.ts';
import { rewardSchema } from '../../recipes/fields/reward-fields.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';

const labels: Labels = ['A', 'B', 'C', 'D'];
const spec: TaskSpec = { kind: 'ranking', labels: ['A', 'B', 'C', 'D'], prompt: '', ood: false };
const exampleOf = (label: string, count = 3, id = 'one'): Example => ({
  ...{ id, task: 'order', split: 'test', images: [], fields: {}, label, groupKey: id },
  candidates: Array.from({ length: count }, (_, i) => [{ text: `candidate ${String(i)}` }]),
});
const said = (verdict: string): Judgment => ({ ok: true, verdict, rationale: '' });

describe('a ranking in an answer', () => {
  const three = ruleFor(spec, exampleOf('A > B > C')) as VerdictRule;
  const read = (text: string, rule: VerdictRule = three) => readVerdict({ text, finishReason: 'stop' }, rule, 'direct');

  test.each([
    ['tagged', '<answer> B > A > C </answer>'],
    ['tagged', '<answer>B>A >C</answer>'],
    ['json', '{"verdict": "B > A > C"}'],
    ['last-line', 'B > A > C'],
  ] as const)('is read strictly: %s %s', (verdictFormat, text) => {
    expect(read(text, { ...three, verdictFormat })).toEqual(said('B > A > C'));
  });

  test.each(['A > B', 'A > B > C > D', 'A > B > B', 'A > A > B > C', 'A, B, C', 'A', 'A > > B', ''])(
    'is unparsable: %s',
    (verdict) => {
      expect(read(`<answer> ${verdict} </answer>`)).toMatchObject({ ok: false });
    },
  );

  test('after a reason in lines; two rankings are ambiguous', () => {
    const rule = { ...three, verdictFormat: 'last-line' as const };
    const think = (text: string) => readVerdict({ text, finishReason: 'stop' }, rule, 'think');
    expect(think('B is sharp.\nB > A > C')).toMatchObject({ ok: true, verdict: 'B > A > C' });
    expect(think('C > B > A\nB > A > C')).toMatchObject({ ok: false, reason: 'verdict-repeated' });
  });

  test('is found leniently in a sentence', () => {
    const text = 'I would say B > C > A, because B is sharp.';
    expect(readFirstLabel({ text: text.replace(',', ' ,'), finishReason: 'stop' }, three)).toMatchObject({
      verdict: 'B > C > A',
    });
  });
});

describe('a label of a row', () => {
  const row = (values: Readonly<Record<string, unknown>>) => ({
    text: (name: string) => String(values[name]),
    number: (name: string) => Number(values[name]),
    numbers: (name: string) => values[name] as number[],
  });
  const labelOf = (values: Readonly<Record<string, unknown>>, field: Parameters<typeof ranking.labelOf>[1]['field']) =>
    ranking.labelOf(row(values), { field, labelMap: {} }, { labels });

  test('follows scores, or ranks, in columns or in a list', () => {
    expect(labelOf({ a: 1, b: 3, c: 2 }, { greaterOf: ['a', 'b', 'c'] })).toEqual({ label: 'B > C > A' });
    expect(labelOf({ ranks: [2, 1, 4, 3] }, { lesserOf: 'ranks' })).toEqual({ label: 'B > A > D > C' });
  });

  test('or is written out', () => {
    expect(labelOf({ order: 'C>A > B' }, 'order')).toEqual({ label: 'C > A > B' });
    expect(labelOf({ order: 'C > A > C' }, 'order')).toMatchObject({
      unknown: expect.stringContaining('order is C') as string,
    });
    expect(labelOf({ order: 'C' }, 'order')).toHaveProperty('unknown');
  });

  test('is unknown if two candidates are equal, or if one has no label', () => {
    expect(labelOf({ ranks: [1, 2, 2] }, { lesserOf: 'ranks' })).toEqual({ unknown: 'ranks.1 and ranks.2 are equal' });
    expect(labelOf({ ranks: [1, 2, 3, 4, 5] }, { lesserOf: 'ranks' })).toEqual({
      unknown: '5 candidates for 4 labels',
    });
  });
});

const order = fc.integer({ min: 2, max: 4 }).chain((n) => {
  const places = labels.slice(0, n);
  const shuffled = fc.shuffledSubarray(places, { minLength: n, maxLength: n });
  return fc.record({ count: fc.constant(n), right: shuffled, said: shuffled });
});

test('reversing the candidates keeps what a ranking says, there and back', () => {
  fc.assert(
    fc.property(order, ({ count, right }) => {
      const example = exampleOf(rankingLabel(right), count);
      const [, reversed] = ordersOf(example, spec);
      const [turned] = otherOrders(example, spec);
      expect(turned?.candidates).toEqual([...(example.candidates ?? [])].reverse());
      expect(verdictInRow(turned?.label ?? '', labels, reversed ?? [])).toBe(example.label);
      expect(labelInOrder(example.label, labels, reversed ?? [])).toBe(turned?.label);
    }),
  );
});

test('the share of pairs in order agrees with Kendall and Spearman of the ranks', () => {
  fc.assert(
    fc.property(order, ({ right, said: given, count }) => {
      const ranks = right.map((_, rank) => rank);
      const saidRanks = right.map((place) => given.indexOf(place));
      expect(2 * pairsInOrder(given, right) - 1).toBeCloseTo(kendallTauB(ranks, saidRanks) ?? NaN, 9);
      const example = exampleOf(rankingLabel(right), count);
      const judged = [{ example, judgment: said(rankingLabel(given)) }];
      const scores = taskScores({ task: 'order', spec, split: 'test', judged, resampleCount: 10, seed: 0 });
      expect(scores.rankCorrelation?.spearman).toBeCloseTo(spearman(ranks, saidRanks) ?? NaN, 9);
    }),
  );
});

test('scores: exact, by pairs, and by the first place; worked by hand', () => {
  const judged = [
    { example: exampleOf('A > B > C', 3, '1'), judgment: said('A > B > C') },
    { example: exampleOf('B > C > A', 3, '2'), judgment: said('B > A > C') },
    { example: exampleOf('C > B > A', 3, '3'), judgment: said('A > B > C') },
    { example: exampleOf('A > C > B', 3, '4'), judgment: { ok: false, reason: 'truncated' } as const },
  ];
  const scores = taskScores({ task: 'order', spec, split: 'test', judged, resampleCount: 10, seed: 0 });
  expect(scores).toMatchObject({ accuracy: 2 / 4, exactRate: 1 / 4, pairAccuracy: (1 + 2 / 3 + 0 + 0) / 4 });
  // B > C > A against B > A > C, and C > B > A against A > B > C: two replacements in three places each.
  expect(scores.editDistance).toBeCloseTo((0 + 2 / 3 + 2 / 3 + 1) / 4, 12);
  expect(scores.rankCorrelation).toEqual({
    count: 3,
    kendallTau: expect.closeTo((1 + 1 / 3 - 1) / 3, 9) as number,
    spearman: expect.closeTo((1 + 0.5 - 1) / 3, 9) as number,
  });
});

test.each([
  ['kitten', 'sitting', 3],
  ['ABCD', 'ABCD', 0],
  ['ABCD', 'BACD', 2],
  // One place moved to the other end: a deletion and an insertion, although no place is where it was.
  ['ABCD', 'BCDA', 2],
  ['ABCD', 'DCBA', 4],
  ['', 'AB', 2],
])('the edit distance of %s and %s is %d, in both directions', (first, second, distance) => {
  expect(levenshtein([...first], [...second])).toBe(distance);
  expect(levenshtein([...second], [...first])).toBe(distance);
});

test('a judge that always gives the same ranking is never consistent, and one that looks always is', () => {
  const stored = Array.from({ length: 20 }, (_, i) => {
    const right = new Rng('ranking', i).shuffle(labels.slice(0, 3));
    return exampleOf(rankingLabel(right), 3, String(i));
  });
  const judgedBy = (judge: (shown: Example) => Judgment) =>
    stored.flatMap((example) => [
      { example, judgment: judge(example) },
      ...otherOrders(example, spec).map((turned) => ({
        ...{ example: turned, judgment: judge(turned) },
        reordered: { of: example.id, order: ordersOf(example, spec)[1] ?? [] },
      })),
    ]);
  const scoresBy = (judge: (shown: Example) => Judgment) =>
    taskScores({ task: 'order', spec, split: 'test', judged: judgedBy(judge), resampleCount: 10, seed: 0 });
  expect(scoresBy(() => said('A > B > C'))).toMatchObject({
    ...{ consistencyRate: 0, firstPositionRate: 1, pairAccuracy: 0.5, positionRates: [1, 0, 0] },
  });
  expect(scoresBy(({ label }) => said(label))).toMatchObject({
    consistencyRate: 1,
    consistentAccuracy: 1,
    exactRate: 1,
  });
});

test('rewards pairs in order, or the ranking alone', () => {
  const example = exampleOf('A > B > C');
  const rewardFor = (verdict: string, reward: object) =>
    ruledReward({ judgment: said(verdict), tokenCount: 1 }, example, spec, {
      ...{ formatWeight: 0.1, tokenCountMax: 9, reward: rewardSchema.parse(reward) },
    }).value;
  expect(rewardFor('B > A > C', {})).toBeCloseTo(0.1 + 0.9 * (2 / 3), 9);
  expect(rewardFor('B > A > C', { ranking: 'exact' })).toBeCloseTo(0.1, 9);
  expect(rewardFor('A > B > C', { ranking: 'exact' })).toBeCloseTo(1, 9);
});

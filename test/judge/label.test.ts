import { describe, expect, test } from 'vitest';
import { labelOf, type LabelRule } from '../../judge/datasets/rows/label.ts';
import { textField } from '../../judge/datasets/rows/jsonl-row.ts';
import { expandRanking } from '../../judge/datasets/rows/ranking.ts';
import type { TaskSpec } from '../../recipes/recipe.ts';

const yesNo = { kind: 'pointwise', labels: ['yes', 'no'] } as const;
type Task = Pick<TaskSpec, 'kind' | 'labels' | 'real'>;
const labelled = (
  value: unknown,
  rule: Partial<LabelRule>,
  task: Pick<TaskSpec, 'kind'> & { labels: readonly string[]; real?: boolean } = yesNo,
) => labelOf({ label: value }, { fields: { label: 'label' }, labelMap: {}, ...rule }, task as Task);

describe('a label from a map', () => {
  const labelMap = { '1': 'yes', '0': 'no', true: 'yes', false: 'no' };
  test.each([1, 1.0, '1', '1.0', ' 1 ', true, 'true', 'True', 'TRUE'])('maps %j to yes', (value) => {
    expect(labelled(value, { labelMap })).toEqual({ label: 'yes' });
  });
  test('maps an integer of a parquet file to yes', () => {
    expect(labelled(1n, { labelMap })).toEqual({ label: 'yes' });
  });
  test.each([2, 'Yes', 'yes', '', '1e0', [1]])('quarantines %j instead of guessing', (value) => {
    expect(() => labelled(value, { labelMap })).toThrow();
  });
});

test('a value without a map must be a label', () => {
  expect(labelled('no', {})).toEqual({ label: 'no' });
  expect(() => labelled('No', {})).toThrow(/not one of yes, no/);
});

describe('a label from thresholds', () => {
  const labelThresholds = [
    { label: 'yes', from: 3.5 },
    { label: 'no', below: 2.5 },
  ];
  test('keeps the number for correlations', () => {
    expect(labelled('4.25', { labelThresholds })).toEqual({ label: 'yes', score: 4.25 });
    expect(labelled(3.5, { labelThresholds })).toMatchObject({ label: 'yes' });
    expect(labelled(-1, { labelThresholds })).toEqual({ label: 'no', score: -1 });
  });
  test.each([2.5, 3, 3.49])('quarantines %d, which lies between them', (value) => {
    expect(() => labelled(value, { labelThresholds })).toThrow(/between/);
  });
  test.each(['', 'four', 'NaN', null])('quarantines %j, which is not a number', (value) => {
    expect(() => labelled(value, { labelThresholds })).toThrow();
  });
});

describe('a score', () => {
  const ordinal = { kind: 'score', labels: ['1', '2', '3'] } as const;
  test('is one of the labels, or any number in range if it is real', () => {
    expect(labelled(3.0, {}, ordinal)).toEqual({ label: '3', score: 3 });
    expect(() => labelled(2.4, {}, ordinal)).toThrow(/not one of 1, 2, 3/);
    expect(labelled(2.4, {}, { ...ordinal, real: true })).toEqual({ label: '2', score: 2.4 });
    expect(() => labelled(3.1, {}, { ...ordinal, real: true })).toThrow(/from 1 to 3/);
  });
});

describe('a comparison of two numbers', () => {
  const pair = { kind: 'pairwise', labels: ['first', 'second'] } as const;
  const row = { a: 1, b: 2, c: 1 };
  const winner = (label: LabelRule['fields']['label']) =>
    labelOf(row, { fields: { label }, labelMap: {} }, { ...pair, labels: ['first', 'second'] });
  test('chooses the greater score or the lesser rank', () => {
    expect(winner({ greaterOf: ['a', 'b'] })).toEqual({ label: 'second' });
    expect(winner({ lesserOf: ['a', 'b'] })).toEqual({ label: 'first' });
    expect(() => winner({ lesserOf: ['a', 'c'] })).toThrow(/equal/);
  });
});

describe('a row that ranks images', () => {
  const row = { id: 'p1', prompt: 'a cat', generations: ['a', 'b', 'c', 'd'], ranking: [2, 1, 2, 4] };
  const spec = { images: 'generations', ranks: 'ranking' } as const;

  test('becomes a row for each two images of different rank', () => {
    const rows = expandRanking(row, 'id', { ...spec, to: 'pairs' });
    expect(rows.map((one) => one['id'])).toEqual(['p1-0-1', 'p1-0-3', 'p1-1-2', 'p1-1-3', 'p1-2-3']);
    expect(rows[0]).toMatchObject({ prompt: 'a cat', image_0: 'a', image_1: 'b', rank_0: 2, rank_1: 1 });
  });

  test('becomes a row for each image with its standing among the others', () => {
    const rows = expandRanking(row, 'id', { ...spec, to: 'images' });
    expect(rows.map(({ image, standing }) => [image, standing])).toEqual([
      ['a', 0.5],
      ['b', 1],
      ['c', 0.5],
      ['d', 0],
    ]);
  });

  test('is found by paths with dots, as every other field', () => {
    const nested = { meta: { id: 'p1' }, images: { paths: ['a', 'b'] }, votes: { rank: [2, 1] } };
    const rows = expandRanking(nested, 'meta.id', { images: 'images.paths', ranks: 'votes.rank', to: 'pairs' });
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ image_0: 'a', image_1: 'b', rank_0: 2, rank_1: 1 });
    expect(textField(rows[0] ?? {}, 'meta.id')).toBe('p1-0-1');
  });

  test.each([
    [{ ...row, id: undefined }, /no id/],
    [{ ...row, ranking: [1, 2] }, /4 generations but 2 ranking/],
    [{ ...row, ranking: [1, 1, 1, 1] }, /ranks all images the same/],
    [{ ...row, ranking: 'none' }, /not a list/],
    [{ ...row, ranking: [1, 2, 'x', 4] }, /not all numbers/],
  ])('is quarantined as a whole if the ranking is invalid', (broken, reason) => {
    expect(() => expandRanking(broken, 'id', { ...spec, to: 'pairs' })).toThrow(reason);
  });
});

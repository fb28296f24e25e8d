import { expect, it } from 'vitest';
import { type ObjectOperation, outcomeOf, problemsOf } from './object-history.ts';

/** Operations that take one unit of time, one after the other, unless they say otherwise. */
function history(...operations: readonly Partial<ObjectOperation>[]): ObjectOperation[] {
  return operations.map((operation, place) => ({
    key: 'registry/promoted.json',
    condition: 'none',
    digest: `digest ${String(place)}`,
    tag: `tag ${String(place)}`,
    outcome: 'written',
    from: 2 * place,
    to: 2 * place + 1,
    ...operation,
  }));
}

const found = (...operations: readonly Partial<ObjectOperation>[]) =>
  problemsOf(history(...operations)).map((problem) => problem.found);

it('accepts one winner among writers of a new object, and replacements of what they have read', () => {
  expect(
    found(
      { condition: 'absent' },
      { condition: 'absent', outcome: 'refused' },
      { condition: 'tag 0' },
      { condition: 'tag 0', outcome: 'refused' },
    ),
  ).toEqual([]);
});

it('accepts answers in another order than the writes, if they overlap', () => {
  const both = { from: 0, to: 10 };
  expect(found({ condition: 'absent', outcome: 'refused', ...both }, { condition: 'absent', ...both })).toEqual([]);
});

it('finds two winners', () => {
  expect(found({ condition: 'absent' }, { condition: 'absent' })).toEqual([
    'no order of its writes explains their answers',
  ]);
});

it('finds a refusal without a reason, and a replacement of what is no longer there', () => {
  expect(found({ condition: 'absent', outcome: 'refused' })).toHaveLength(1);
  expect(found({ condition: 'absent' }, { condition: 'tag 0' }, { condition: 'tag 0' })).toHaveLength(1);
});

it('lets a write without an answer have happened or not', () => {
  const lost = { condition: 'absent', outcome: 'unknown', tag: undefined } as const;
  expect(found(lost, { condition: 'absent', outcome: 'refused' })).toEqual([]);
  expect(found(lost, { condition: 'absent' })).toEqual([]);
});

it('finds a result that is overwritten without a condition, and lets equal bytes be written again', () => {
  const key = 'manifests/mix/one.json';
  expect(found({ key }, { key })).toEqual(['overwritten 1 times without a condition']);
  expect(found({ key }, { key, digest: 'digest 0' })).toEqual([]);
  expect(found({ key: 'experiments/one.json' }, { key: 'experiments/one.json' })).toEqual([]);
});

it('takes an answer for a refusal only if it is about the condition', () => {
  expect([200, 412, 409, 403, 400, 503, undefined].map(outcomeOf)).toEqual([
    ...['written', 'refused', 'refused', undefined, undefined, 'unknown', 'unknown'],
  ]);
});

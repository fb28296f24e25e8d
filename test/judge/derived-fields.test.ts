/** Fields made of others, and rows made of lists, before anything else reads a row. */
import { expect, test } from 'vitest';
import { withDerived } from '../../judge/datasets/rows/derived-fields.ts';
import { expandedRows } from '../../judge/datasets/rows/expanded-rows.ts';

test('the longest start counts; without one there is no field', () => {
  const derive = { set: { from: 'id', startsWith: { ab: 'short', abc: 'long', z: 'last' } } };
  const setOf = (id: unknown) => withDerived({ id }, derive)['set'];
  expect(['abcd', 'abx', 'z', 'q'].map(setOf)).toEqual(['long', 'short', 'last', undefined]);
  // A row without the field is not at fault; one with a list instead of a text is.
  expect(setOf(null)).toBeUndefined();
  expect(() => setOf([1])).toThrow('id is not text');
  expect(withDerived({ id: 'q' }, { set: { from: 'id', startsWith: { '': 'other' } } })['set']).toBe('other');
});

test('the part before a text, or a copy', () => {
  const derive = { source: { from: 'id', before: '_' }, copy: { from: 'id' } };
  expect(withDerived({ id: 'b0_AC_x' }, derive)).toEqual({ id: 'b0_AC_x', source: 'b0', copy: 'b0_AC_x' });
  expect(withDerived({ id: 'b0' }, derive)).toMatchObject({ source: 'b0' });
});

test('a row for each element of a list; `where` sees derived fields, the copy of an id keeps it', () => {
  const dataset = {
    derive: { kind: { from: 'id', before: ':' }, prompt: { from: 'id' } },
    where: { kind: ['tied'] },
    each: { list: 'answers', as: 'answer' },
    fields: { id: 'id' },
  };
  expect(expandedRows({ id: 'tied:1', answers: ['a', 'b'] }, dataset)).toMatchObject([
    { id: 'tied:1-answers-0', answer: 'a', prompt: 'tied:1' },
    { id: 'tied:1-answers-1', answer: 'b', prompt: 'tied:1' },
  ]);
  expect(() => expandedRows({ id: 'ref:1', answers: [] }, dataset)).toThrow('kind is ref');
  expect(() => expandedRows({ id: 'tied:1', answers: 'a' }, dataset)).toThrow('answers is not a list');
  // A row that stands for none is not lost.
  expect(() => expandedRows({ id: 'tied:1', answers: [] }, dataset)).toThrow('answers is empty');
});

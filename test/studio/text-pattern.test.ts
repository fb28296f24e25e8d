import { expect, test } from 'vitest';
import { textPattern } from '../../studio/reading/text-pattern.ts';

test('finds texts by regular expression, ignoring case', () => {
  expect(textPattern('^no\\b')(['No, it is blurred', 'nothing', 'a no'])).toEqual([true, false, false]);
});

test('refuses what is no regular expression', () => {
  expect(() => textPattern('(')).toThrow(
    expect.objectContaining({ code: 'USAGE', message: 'this is no regular expression' }),
  );
});

test('ends an expression that would run for years', () => {
  const text = `${'a'.repeat(60)}!`;
  expect(() => textPattern('^(a+)+$')([text])).toThrow(
    expect.objectContaining({ code: 'USAGE', message: 'the regular expression takes too long' }),
  );
});

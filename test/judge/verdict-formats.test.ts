import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { UnparsableReason } from '../../judge/example.ts';
import { targetText } from '../../judge/tasks/completion.ts';
import { readVerdict, type VerdictRule } from '../../judge/tasks/read-verdict.ts';

const labels: VerdictRule['labels'] = ['yes', 'no'];
const read = (text: string, rule: Partial<VerdictRule>, mode: 'think' | 'direct' = 'think') =>
  readVerdict({ text, finishReason: 'stop' }, { kind: 'pointwise', labels, ...rule }, mode);

const badJson: readonly (readonly [string, UnparsableReason])[] = [
  ['', 'not-json'],
  ['yes', 'not-json'],
  ['["yes"]', 'not-json'],
  ['{"rationale": "a", "verdict": "yes"} indeed', 'not-json'],
  ['```json\n{"rationale": "a", "verdict": "yes"}\n```', 'not-json'],
  ['{"rationale": "a"}', 'verdict-missing'],
  ['{"verdict": "yes"}', 'rationale-missing'],
  ['{"rationale": "  ", "verdict": "yes"}', 'rationale-missing'],
  ['{"rationale": ["a"], "verdict": "yes"}', 'rationale-missing'],
  ['{"rationale": "a", "verdict": "no", "verdict": "yes"}', 'verdict-repeated'],
  ['{"rationale": "a", "verdict": "yes", "confidence": 1}', 'text-outside-form'],
  ['{"rationale": "a", "verdict": "yes or no"}', 'verdict-not-a-label'],
  ['{"rationale": "a", "verdict": true}', 'verdict-not-a-label'],
  ['{"rationale": "a", "verdict": ["yes"]}', 'verdict-not-a-label'],
];

describe('an answer in JSON', () => {
  test.each(badJson)('rejects %j', (text, reason) => {
    expect(read(text, { verdictFormat: 'json' })).toEqual({ ok: false, reason });
  });

  test('does not mistake a quoted word with a colon in the rationale for a second field', () => {
    const text = JSON.stringify({ rationale: 'it says "verdict": "no" but \\"', verdict: 'yes' });
    expect(read(text, { verdictFormat: 'json' })).toMatchObject({ ok: true, verdict: 'yes' });
  });

  test('accepts numbers without quotes', () => {
    const rule: VerdictRule = { kind: 'score', labels: ['1', '2', '3'], verdictFormat: 'json' };
    expect(read('{"verdict": 2}', rule, 'direct')).toEqual({ ok: true, verdict: '2', rationale: '' });
  });
});

const badLines: readonly (readonly [string, 'think' | 'direct', UnparsableReason])[] = [
  ['  \n ', 'think', 'verdict-missing'],
  ['because\nyes or no', 'think', 'verdict-not-a-label'],
  ['because, yes', 'think', 'verdict-not-a-label'],
  ['no\nbut then\nyes', 'think', 'verdict-repeated'],
  ['yes', 'think', 'rationale-missing'],
  ['because\nyes', 'direct', 'text-outside-form'],
];

test.each(badLines)('rejects the last line of %j (%s)', (text, mode, reason) => {
  expect(read(text, { verdictFormat: 'last-line' }, mode)).toEqual({ ok: false, reason });
});

test.each(['tagged', 'json', 'last-line'] as const)(
  '%s: parses the target texts of training back to the same values',
  (verdictFormat) => {
    const words = fc.array(fc.constantFrom('a', 'round', 'cat:', '"x"', '{', '\\'), { minLength: 1 });
    fc.assert(
      fc.property(words, fc.constantFrom('yes', 'no'), fc.constantFrom('think', 'direct'), (parts, label, mode) => {
        const rationale = parts.join(' ');
        const text = targetText({ id: 'x', label, rationale }, mode, verdictFormat);
        const expected = { ok: true, verdict: label, rationale: mode === 'think' ? rationale : '' };
        expect(read(text, { verdictFormat }, mode)).toEqual(expected);
        const cut = readVerdict({ text, finishReason: 'length' }, { kind: 'pointwise', labels, verdictFormat }, mode);
        expect(cut).toEqual({ ok: false, reason: 'truncated' });
      }),
    );
  },
);

test.each(['tagged', 'json', 'last-line'] as const)('%s: never throws', (verdictFormat) => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '"',
    'verdict',
    ':',
    'yes',
    '\n',
    '<answer>',
    '</answer>',
    '<think>',
    '1',
    ',',
  );
  fc.assert(
    fc.property(fc.array(piece), fc.boolean(), (pieces, real) => {
      const rule: VerdictRule = real
        ? { kind: 'score', labels: ['1', '5'], real, verdictFormat }
        : { kind: 'pointwise', labels, verdictFormat };
      const judgment = read(pieces.join(''), rule, 'direct');
      if (judgment.ok) expect(rule.labels).toContain(judgment.verdict);
    }),
  );
});

describe('a real score', () => {
  const rule: VerdictRule = { kind: 'score', labels: ['1', '2', '3', '4', '5'], real: true };
  const answer = (verdict: string) => read(`<answer> ${verdict} </answer>`, rule, 'direct');

  test('keeps its number, and counts as the nearest label', () => {
    expect(answer('3.6')).toEqual({ ok: true, verdict: '4', rationale: '', score: 3.6 });
    expect(answer('5.0')).toMatchObject({ verdict: '5', score: 5 });
  });

  test.each(['0.99', '5.01', '-3', '1000000'])('rejects %s as out of range', (verdict) => {
    expect(answer(verdict)).toEqual({ ok: false, reason: 'verdict-out-of-range' });
  });

  test.each(['4/5', '3e0', 'NaN', 'Infinity', '3, 4', 'three', '0x3', ''])('rejects %j as not a number', (verdict) => {
    expect(answer(verdict)).toEqual({ ok: false, reason: 'verdict-not-a-label' });
  });

  test('accepts only the labels without `real`', () => {
    expect(read('<answer>3.6</answer>', { kind: 'score', labels: rule.labels }, 'direct')).toMatchObject({ ok: false });
  });
});

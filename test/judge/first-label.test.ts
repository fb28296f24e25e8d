/** The lenient reading of evaluation: the first label word of an answer. */
import { describe, expect, test } from 'vitest';
import { readFirstLabel } from '../../judge/tasks/first-label.ts';
import type { VerdictRule } from '../../judge/tasks/read-verdict.ts';

const pointwise: VerdictRule = { kind: 'pointwise', labels: ['yes', 'no'] };
const read = (text: string, rule = pointwise) => readFirstLabel({ text, finishReason: 'stop' }, rule);

describe('a label', () => {
  test.each([
    ['Yes, it is.', 'yes'],
    ['The answer is NO. Not yes.', 'no'],
    ['<think> yes or no? </think> I would say no', 'no'],
    ['<answer> yes </answer>', 'yes'],
    ['"yes"', 'yes'],
  ])('of %s is %s', (text, verdict) => {
    expect(read(text)).toMatchObject({ ok: true, verdict });
  });

  test('comes after the rationale, which is kept', () => {
    expect(read('<think> it is big </think> Yes.')).toEqual({ ok: true, rationale: 'it is big', verdict: 'yes' });
  });

  test.each(['I know nothing about eyes', 'yesterday', '', 'noé'])('is not in %s', (text) => {
    expect(read(text)).toEqual({ ok: false, reason: 'verdict-missing' });
  });

  test('may be a number, signed or not, or several words', () => {
    const scores: VerdictRule = { kind: 'score', labels: ['-2', '-1', '0', '1', '2'] };
    expect(read('I would say -2.', scores)).toMatchObject({ ok: true, verdict: '-2' });
    expect(read('about 12, or 1.5, or 1', scores)).toMatchObject({ ok: true, verdict: '1' });
    const words: VerdictRule = { kind: 'pointwise', labels: ['good', 'good enough', 'c++'] };
    expect(read('Good enough for c++', words)).toMatchObject({ ok: true, verdict: 'good enough' });
    expect(read('It is c++', words)).toMatchObject({ ok: true, verdict: 'c++' });
  });

  test('of a real score is the nearest to the first number', () => {
    const real: VerdictRule = { kind: 'score', labels: ['-4', '0', '4'], real: true };
    expect(read('3.5 of 4', real)).toMatchObject({ ok: true, verdict: '4', score: 3.5 });
    expect(read('7', real)).toEqual({ ok: false, reason: 'verdict-out-of-range' });
    expect(read('none', real)).toEqual({ ok: false, reason: 'verdict-missing' });
  });
});

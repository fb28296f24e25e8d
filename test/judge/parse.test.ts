import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CompletionText, UnparsableReason } from '../../judge/example.ts';
import { completionTags, targetText } from '../../judge/tasks/completion.ts';
import { parseCompletion } from '../../judge/tasks/parse.ts';

const labels = ['yes', 'no'];
const isLabel = (text: string) => labels.includes(text);
const stop = (text: string): CompletionText => ({ text, finishReason: 'stop' });

const unparsable: readonly (readonly [string, UnparsableReason])[] = [
  ['', 'rationale-missing'],
  ['yes', 'rationale-missing'],
  ['<answer> yes </answer>', 'rationale-missing'],
  ['<think> clean <answer> yes </answer>', 'rationale-missing'],
  ['<think>  </think> <answer> yes </answer>', 'rationale-missing'],
  ['</think> clean <think> <answer> yes </answer>', 'rationale-missing'],
  ['<think> a </think> <think> b </think> <answer> yes </answer>', 'rationale-repeated'],
  ['<think> <think> a </think> <answer> yes </answer>', 'rationale-repeated'],
  ['<think> a </think>', 'verdict-missing'],
  ['<think> a </think> <answer> yes', 'verdict-missing'],
  ['<think> a </think> </answer> yes <answer>', 'verdict-missing'],
  ['<think> a </think> <answer> yes </answer> <answer> no </answer>', 'verdict-repeated'],
  ['<think> a </think> <answer> yes or no </answer>', 'verdict-not-a-label'],
  ['<think> a </think> <answer> yes no </answer>', 'verdict-not-a-label'],
  ['<think> a </think> <answer> Yes </answer>', 'verdict-not-a-label'],
  ['<think> a </think> <answer> </answer>', 'verdict-not-a-label'],
  ['<think> a </think> <answer> maybe </answer>', 'verdict-not-a-label'],
  ['so <think> a </think> <answer> yes </answer>', 'text-outside-tags'],
  ['<think> a </think> so <answer> yes </answer>', 'text-outside-tags'],
  ['<think> a </think> <answer> yes </answer> indeed', 'text-outside-tags'],
  ['<think> a </think> <answer> yes </answer> <pad>', 'text-outside-tags'],
  ['<answer> yes </answer> <think> a </think>', 'text-outside-tags'],
  ['<think> a <answer> yes </answer> </think>', 'text-outside-tags'],
  ['<think> a <answer> yes </think> </answer>', 'text-outside-tags'],
];

describe('the strict parser', () => {
  test.each(unparsable)('rejects %j as %s', (text, reason) => {
    expect(parseCompletion(stop(text), isLabel, 'think')).toEqual({ ok: false, reason });
  });

  test('accepts only the verdict of a direct answer: reasoning beside it is invalid', () => {
    expect(parseCompletion(stop('<answer> no </answer>'), isLabel, 'direct')).toEqual({
      ok: true,
      verdict: 'no',
      rationale: '',
    });
    expect(parseCompletion(stop('<think> a </think> <answer> no </answer>'), isLabel, 'direct')).toEqual({
      ok: false,
      reason: 'text-outside-tags',
    });
  });

  test('rejects a truncated completion, even if it parses', () => {
    const text = '<think> a </think> <answer> yes </answer>';
    expect(parseCompletion({ text, finishReason: 'length' }, isLabel, 'think')).toEqual({
      ok: false,
      reason: 'truncated',
    });
  });

  test('ignores white space between and inside tags', () => {
    for (const text of [
      '<think>a  b</think><answer>yes</answer>',
      '\n<think>\ta  b </think>\n\n<answer>\nyes\n</answer>\n',
    ]) {
      expect(parseCompletion(stop(text), isLabel, 'think')).toEqual({ ok: true, verdict: 'yes', rationale: 'a  b' });
    }
  });

  test('parses the target texts of training back to the same values', () => {
    const word = fc.stringMatching(/^[a-z0-9.,]{1,8}$/);
    const rationale = fc.array(word, { minLength: 1, maxLength: 12 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(rationale, fc.constantFrom(...labels), (written, label) => {
        const text = targetText({ id: 'x', label, rationale: written }, 'think');
        expect(parseCompletion(stop(text), isLabel, 'think')).toEqual({ ok: true, verdict: label, rationale: written });
      }),
    );
  });

  test('never throws, and accepts only one label between one pair of tags', () => {
    const piece = fc.oneof(fc.constantFrom(...completionTags, ...labels, ' ', 'or'), fc.string({ maxLength: 5 }));
    const text = fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(text, fc.constantFrom('think' as const, 'direct' as const), (given, mode) => {
        const judgment = parseCompletion(stop(given), isLabel, mode);
        if (!judgment.ok) return;
        const form =
          mode === 'think'
            ? /^\s*<think>[^]*<\/think>\s*<answer>\s*(yes|no)\s*<\/answer>\s*$/
            : /^\s*<answer>\s*(yes|no)\s*<\/answer>\s*$/;
        expect(form.exec(given)?.[1]).toBe(judgment.verdict);
        for (const tag of completionTags) expect(given.split(tag).length).toBeLessThanOrEqual(2);
      }),
      { numRuns: 500 },
    );
  });

  test('refuses supervised reasoning without a rationale', () => {
    expect(() => targetText({ id: 'a-17', label: 'yes' }, 'think')).toThrow(
      expect.objectContaining({
        code: 'PROMPT_INVALID',
        details: expect.objectContaining({ where: 'a-17' }) as unknown,
      }) as Error,
    );
  });
});

/** What `judge` and `evaluate` print about unparsable answers. */
import { expect, test } from 'vitest';
import { cutOffLines, unreadLines } from '../../cli/show/unread-lines.ts';
import { rowLines } from '../../cli/verbs/judging/judge.ts';
import { scores } from './made-up.ts';

const row = { rationale: null, probabilities: { yes: 0.6, no: 0.4 }, likeliest: 'yes' };

test('judge prints an unparsable answer on one line, escaped and cut', () => {
  const answers = [`it is\n\u001b[31m${'x'.repeat(300)}`];
  const lines = rowLines([
    { ...row, id: 'a', verdict: 'no', answers: ['no'] },
    { ...row, id: 'bb', verdict: null, unparsable: 'verdict-missing', answers },
  ]);
  expect(lines).toEqual([
    'a   no  0.400',
    'bb  (verdict-missing; likeliest yes)  0.600',
    `  answer: it is\\n\\u001b[31m${'x'.repeat(183)}… (117 more)`,
  ]);
});

test('evaluate counts unparsable answers by reason, truncated ones separately, and suggests tokenCountMax if most were truncated', () => {
  const all = [
    scores('read', 0.9),
    scores('clear', 0.1, {
      ...{ exampleCount: 10, unparsableRate: 0.8, truncatedRate: 0.6 },
      unparsableByReason: { 'verdict-missing': 0.2, truncated: 0.6 },
    }),
    scores('pair', 0.1, {
      ...{ exampleCount: 10, consistencyRate: 0.5, unparsableRate: 0.1 },
      unparsableByReason: { truncated: 0.1 },
    }),
  ];
  expect(unreadLines(all, 40)).toEqual([
    'clear: 8 of 10 answers unread: 6 cut off after 40 tokens, 2 verdict-missing',
    'pair: 2 of 20 answers unread: 2 cut off after 40 tokens',
    'most unread answers were cut off: raise evaluation.tokenCountMax, which is 40',
  ]);
  expect(unreadLines(all.slice(0, 1), 40)).toEqual([]);
});

test('counts the tasks with unparsable answers beyond the first twenty', () => {
  const change = { exampleCount: 10, unparsableRate: 0.5, unparsableByReason: { 'not-json': 0.5 } };
  const all = Array.from({ length: 25 }, (_, i) => scores(`t${String(i)}`, 0.1, change));
  expect(unreadLines(all, 40).slice(-2)).toEqual([
    't19: 5 of 10 answers unread: 5 not-json',
    'and 5 more tasks with unread answers',
  ]);
});

test('does not suggest tokenCountMax if at most half of the unparsable answers were truncated', () => {
  const reasons = [
    ['truncated', 5],
    ['not-json', 5],
  ] as const;
  expect(cutOffLines(reasons, 40)).toEqual([]);
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Judgment } from '../../judge/example.ts';
import { agreements, rewardOf, type RewardRule, ruledReward } from '../../judge/rewards.ts';
import { rewardSchema } from '../../recipes/fields/reward-fields.ts';

const said = (verdict: string, score?: number): Judgment => ({
  ...{ ok: true, verdict, rationale: '' },
  ...(score !== undefined && { score }),
});
const unread: Judgment = { ok: false, reason: 'verdict-missing' };
const rule = (reward: unknown = {}): RewardRule => ({
  formatWeight: 0.1,
  reward: rewardSchema.parse(reward),
  tokenCountMax: 100,
});
const yesNo = { kind: 'pointwise', labels: ['yes', 'no'] as [string, string] } as const;
const stars = { kind: 'score', labels: ['1', '2', '3', '4', '5'] as [string, string, ...string[]] } as const;

test('the default rule equals the paper’s reward', () => {
  fc.assert(
    fc.property(fc.constantFrom(said('yes'), said('no'), unread), fc.nat(200), (judgment, tokenCount) => {
      const reward = ruledReward({ judgment, tokenCount }, { label: 'yes' }, yesNo, rule());
      expect(reward).toEqual(rewardOf(judgment, 'yes', 0.1));
    }),
  );
});

describe('a score', () => {
  const rewardFor = (judgment: Judgment, changes: unknown = {}, score?: number) =>
    ruledReward(
      { judgment, tokenCount: 1 },
      { label: '4', ...(score !== undefined && { score }) },
      stars,
      rule(changes),
    );

  test('is worth more the closer it is, and accuracy is reported separately', () => {
    expect(rewardFor(said('4'))).toEqual({ value: 1, accuracy: 1, format: 1, closeness: 1 });
    expect(rewardFor(said('3'))).toMatchObject({ accuracy: 0, closeness: 0.75, value: 0.9 * 0.75 + 0.1 });
    expect(rewardFor(said('1'))).toMatchObject({ closeness: 0.25 });
    expect(rewardFor(unread)).toEqual({ value: 0, accuracy: 0, format: 0, unparsable: 'verdict-missing' });
  });

  test('is compared with the number behind the label if it is real', () => {
    expect(rewardFor(said('4', 3.6), {}, 3.6)).toMatchObject({ closeness: 1 });
    expect(rewardFor(said('4', 4.4), {}, 3.6).closeness).toBeCloseTo(0.8, 12);
  });

  test('rewards only the label with `exact`', () => {
    expect(rewardFor(said('3'), { score: 'exact' })).toEqual({ value: 0.1, accuracy: 0, format: 1 });
  });
});

describe('agreement of pairs in both orders', () => {
  test('means choosing the same picture, which has the other label there', () => {
    const swapped = [said('second'), said('second'), said('first'), unread];
    const own = { judgments: [said('first'), said('second'), unread], order: [0, 1] };
    expect(agreements(own, [{ judgments: swapped, order: [1, 0] }], ['first', 'second'])).toEqual([0.5, 0.25, 0]);
    expect(agreements({ judgments: [said('first')], order: [0, 1] }, [], ['first', 'second'])).toEqual([0]);
  });

  test('gives always-first less than a judge that looks, at equal accuracy', () => {
    const pair = { kind: 'pairwise', labels: ['first', 'second'] as [string, string] } as const;
    const worth = (agreement: number) =>
      ruledReward(
        { judgment: said('first'), tokenCount: 1, agreement },
        { label: 'first' },
        pair,
        rule({ consistencyWeight: 0.5 }),
      );
    expect(worth(0)).toEqual({ value: 0.9 * 0.5 + 0.1, accuracy: 1, format: 1, agreement: 0 });
    expect(worth(1)).toMatchObject({ value: 1 });
  });
});

test('the penalty of overlong completions grows linearly from the threshold to the limit, also if unparsable', () => {
  const overlong = { overlong: { fromTokenCount: 50, penalty: 0.4 } };
  const worth = (judgment: Judgment, tokenCount: number) =>
    ruledReward({ judgment, tokenCount }, { label: 'yes' }, yesNo, rule(overlong));
  expect(worth(said('yes'), 50)).toEqual({ value: 1, accuracy: 1, format: 1 });
  expect(worth(said('yes'), 75)).toMatchObject({ value: 0.8, overlongPenalty: 0.2 });
  expect(worth(said('yes'), 100)).toMatchObject({ value: 0.6 });
  expect(worth(unread, 100)).toMatchObject({ value: -0.4, accuracy: 0 });
});

test('a grader gets the configured share of accuracy, and none of the format', () => {
  const grader = { grader: { url: 'http://127.0.0.1:1/', weight: 0.25 } };
  const worth = (judgment: Judgment, graderScore?: number) =>
    ruledReward(
      { judgment, tokenCount: 1, ...(graderScore !== undefined && { graderScore }) },
      { label: 'yes' },
      yesNo,
      rule(grader),
    );
  expect(worth(said('yes'), 0.5).value).toBeCloseTo(0.9 * (0.75 + 0.125) + 0.1, 12);
  expect(worth(said('no'), 1).value).toBeCloseTo(0.9 * 0.25 + 0.1, 12);
  expect(worth(unread).value).toBe(0);
});

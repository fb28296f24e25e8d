import { expect, test } from 'vitest';
import { rewardOf } from '../../judge/rewards.ts';

const said = (verdict: string) => ({ ok: true, verdict, rationale: 'clean' }) as const;

test('a correct verdict is worth 1, a wrong one in the right format the format weight', () => {
  expect(rewardOf(said('yes'), 'yes', 0.1)).toEqual({ value: 1, accuracy: 1, format: 1 });
  expect(rewardOf(said('no'), 'yes', 0.1)).toEqual({ value: 0.1, accuracy: 0, format: 1 });
});

test('an unparsable completion is worth 0, with the reason', () => {
  expect(rewardOf({ ok: false, reason: 'truncated' }, 'yes', 0.1)).toEqual({
    value: 0,
    accuracy: 0,
    format: 0,
    unparsable: 'truncated',
  });
});

test('a format weight outside [0, 1] throws instead of scoring', () => {
  expect(() => rewardOf(said('yes'), 'yes', 1.5)).toThrow(/1.5/);
  expect(() => rewardOf(said('yes'), 'yes', NaN)).toThrow();
});

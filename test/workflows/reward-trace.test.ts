import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addReward, emptyTrace, sparkline, traceLine } from '../../workflows/training/reward-trace.ts';
import type { RewardTrace } from '../../contract/workflows.ts';

const traceOf = (rewards: readonly number[]): RewardTrace => rewards.reduce(addReward, emptyTrace);

describe("the sparkline of a run's rewards", () => {
  it.each([
    ['rise', [0, 0.25, 0.5, 0.75, 1], '▁▃▅▆█'],
    ['rise a little, far from 0', [0.61, 0.62, 0.63], '▁▅█'],
    ['fall below 0', [0.5, -0.5], '█▁'],
    ['stay', [0.3, 0.3], '▄▄'],
    ['have not come', [], ''],
  ])('shows them if they %s', (_, rewards, line) => {
    expect(sparkline(rewards)).toBe(line);
    expect(traceLine(traceOf(rewards))).toBe(line);
  });

  it('keeps the shape of a run of any length in 40 marks', () => {
    const line = traceLine(traceOf(Array.from({ length: 1_000 }, (_, step) => step)));
    expect(line.length).toBeGreaterThan(20);
    expect(line.length).toBeLessThanOrEqual(40);
    expect([...line].sort().join('')).toBe(line);
  });

  it('loses no step: means and rest have the same sum as all rewards', () => {
    const reward = fc.integer({ min: -4, max: 4 });
    fc.assert(
      fc.property(fc.array(reward, { maxLength: 400 }), (rewards) => {
        const { stepCountPerMean, means, rest } = traceOf(rewards);
        const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
        expect(means.length * stepCountPerMean + rest.length).toBe(rewards.length);
        expect(sum(means) * stepCountPerMean + sum(rest)).toBeCloseTo(sum(rewards), 9);
      }),
    );
  });
});

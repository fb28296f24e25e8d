import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { groupAdvantages, grpoGroups } from '../../policy/objectives/grpo.ts';
import { sftGroups } from '../../policy/objectives/sft.ts';
import { microBatches } from '../../policy/engines/embedded/micro-batches.ts';

const prompt = { tokenIds: [1, 2], images: [] };
const rollout = (length: number) => ({
  tokenIds: Array<number>(length).fill(3),
  logProbs: Array<number>(length).fill(-1),
  finishReason: 'stop' as const,
});

describe('group advantages', () => {
  test('a hand-worked group: (r - mean) / sample deviation', () => {
    // rewards 1, 0, 0, 1: mean .5, sample deviation .57735
    expect(groupAdvantages([1, 0, 0, 1]).map((a) => a.toFixed(4))).toEqual(['0.8659', '-0.8659', '-0.8659', '0.8659']);
  });

  test('equal rewards give exactly zero, also when rounding makes them differ', () => {
    expect(groupAdvantages([0.1, 0.1 + 1e-12, 0.1])).toEqual([0, 0, 0]);
  });

  test('advantages sum to zero, keep the order of rewards and stay bounded', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 24 }), (rewards) => {
        const advantages = groupAdvantages(rewards);
        expect(Math.abs(advantages.reduce((a, b) => a + b, 0))).toBeLessThan(1e-6);
        advantages.forEach((a, i) => {
          expect(Math.abs(a)).toBeLessThanOrEqual(rewards.length);
          advantages.forEach((b, j) => {
            if ((rewards[i] ?? 0) > (rewards[j] ?? 0)) expect(a).toBeGreaterThanOrEqual(b);
          });
        });
      }),
    );
  });
});

describe('groups of a step', () => {
  test('a group of equal rewards is dropped, counted, and its tokens stay in the normaliser', () => {
    const step = grpoGroups(
      [prompt, prompt],
      [
        [rollout(2), rollout(4)],
        [rollout(3), rollout(1)],
      ],
      [
        [1, 0],
        [1, 1],
      ],
    );
    expect(step.droppedGroupCount).toBe(1);
    expect(step.keptIndices).toEqual([0]);
    expect(step.groups[0]?.completions.map((completion) => completion.tokenWeight)).toEqual([0.1, 0.1]);
  });

  test('supervised weights make the loss the mean over all answer tokens', () => {
    const groups = sftGroups([prompt, prompt], [[1, 2, 3], [4]]);
    expect(groups.map((group) => group.completions[0]?.tokenWeight)).toEqual([0.25, 0.25]);
  });
});

test('micro-batches hold every group once, longest first, within the bound', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 40 }), (lengths) => {
      const { order, bounds } = microBatches(lengths, { tokenCountMax: 1000 });
      expect([...order].sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
      expect(bounds.flatMap(([start, end]) => order.slice(start, end))).toEqual(order);
      for (const [start, end] of bounds) {
        const longest = lengths[order[start] ?? -1] ?? 0;
        expect(end - start === 1 || longest * (end - start) <= 1000).toBe(true);
      }
    }),
  );
});

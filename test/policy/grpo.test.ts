import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { grpo } from '../../policy/algorithms/grpo.ts';
import { sftGroups } from '../../policy/algorithms/sft.ts';
import { klToReference, klToTrainer } from '../../policy/losses/kl-estimates.ts';
import { microBatches } from '../../policy/engines/embedded/packing/micro-batches.ts';

const prompt = { tokenIds: [1, 2], images: [] };
const rollout = (length: number) => ({
  tokenIds: Array<number>(length).fill(3),
  logProbs: Array<number>(length).fill(-1),
  finishReason: 'stop' as const,
});

/** Advantages of one group; a KL term keeps groups of equal rewards. */
function groupAdvantages(rewards: readonly number[], weight = 1): (number | undefined)[] {
  const batch = { prompts: [prompt], rollouts: [rewards.map(() => rollout(1))], rewards: [rewards] };
  const { groups } = grpo.groups({ ...batch, advantageWeights: [weight] }, { klCoefficient: 1 });
  return groups.flatMap(({ completions }) => completions.map(({ advantage }) => advantage));
}

describe('group advantages', () => {
  test('match a manual computation: (r - mean) / sample deviation', () => {
    // Rewards 1, 0, 0, 1: mean .5, sample deviation .57735.
    expect(groupAdvantages([1, 0, 0, 1]).map((a) => a?.toFixed(4))).toEqual(['0.8659', '-0.8659', '-0.8659', '0.8659']);
  });

  test('are exactly zero for equal rewards, even if rounding makes them differ', () => {
    expect(groupAdvantages([0.1, 0.1 + 1e-12, 0.1])).toEqual([0, 0, 0]);
  });

  test('are multiplied by the weight of the task after normalisation', () => {
    expect(groupAdvantages([1, 0, 0, 1], 0.5)).toEqual(groupAdvantages([1, 0, 0, 1]).map((a) => 0.5 * (a ?? 0)));
  });

  test('sum to zero, keep the order of rewards and stay bounded', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 24 }), (rewards) => {
        const advantages = groupAdvantages(rewards).map((a) => a ?? Number.NaN);
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
  const rollouts = [
    [rollout(2), rollout(4)],
    [rollout(3), rollout(1)],
  ];
  const rewards = [
    [1, 0],
    [1, 1],
  ];

  test('a group of equal rewards is dropped and counted, and its tokens stay in the normaliser', () => {
    const step = grpo.groups({ prompts: [prompt, prompt], rollouts, rewards }, {});
    expect(step).toMatchObject({ droppedGroupCount: 1, groups: [{ completions: [{ tokenIds: [3, 3] }, {}] }] });
    expect(step.groups[0]?.completions.map((completion) => completion.tokenWeight)).toEqual([0.1, 0.1]);
  });

  test('with a KL term, a group of equal rewards stays with advantage 0: its tokens count in the KL mean and penalty', () => {
    const step = grpo.groups({ prompts: [prompt, prompt], rollouts, rewards }, { klCoefficient: 0.1 });
    expect(step.droppedGroupCount).toBe(0);
    expect(step.groups[1]?.completions.map(({ advantage }) => advantage)).toEqual([0, 0]);
    expect(step.groups[1]?.completions.map(({ tokenWeight }) => tokenWeight)).toEqual([0.1, 0.1]);

    // Under the reference, tokens of the first group are equally probable, those of the second e^0.5 times as probable.
    const groups = step.groups.map((group, g) => ({
      ...group,
      completions: group.completions.map((one) => ({
        ...one,
        referenceLogProbs: one.tokenIds.map(() => (g === 0 ? -1 : -0.5)),
      })),
    }));
    const logProbs = groups.map(({ completions }) => completions.map(({ tokenIds }) => tokenIds.map(() => -1)));
    // 4 of 10 tokens: e^0.5 - 0.5 - 1 each.
    expect(klToReference(groups, logProbs)).toBeCloseTo(0.4 * (Math.exp(0.5) - 1.5), 12);
    // Nothing else changes if the reference's log-probs are the trainer's, and the policy the sampler.
    const reference = groups.map(({ completions }) => completions.map(({ referenceLogProbs }) => referenceLogProbs));
    expect(klToTrainer(groups, reference)).toBe(klToReference(groups, logProbs));
    expect(klToTrainer(groups, logProbs)).toBe(0);
    expect(klToTrainer([{ prompt, completions: [{ tokenIds: [3], tokenWeight: 1 }] }], [[[-1]]])).toBeUndefined();
  });

  test('supervised weights make the loss the mean over all answer tokens', () => {
    const groups = sftGroups([prompt, prompt], [[1, 2, 3], [4]]);
    expect(groups.map((group) => group.completions[0]?.tokenWeight)).toEqual([0.25, 0.25]);
  });
});

describe('micro-batches', () => {
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const lengthsOf = fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 60 });

  test('contain every group once, longest first', () => {
    fc.assert(
      fc.property(lengthsOf, (lengths) => {
        const batches = microBatches(lengths);
        expect(batches.flat().sort((a, b) => a - b)).toEqual(lengths.map((_, i) => i));
        const pairs = Array.from({ length: Math.ceil(batches.length / 2) }, (_, i) => batches.slice(2 * i, 2 * i + 2));
        const ofPairs = pairs.map((pair) => pair.flat().map((index) => lengths[index] ?? 0));
        const order = ofPairs.flatMap((pair) => pair.sort((a, b) => b - a));
        expect(order).toEqual([...lengths].sort((a, b) => b - a));
      }),
    );
  });

  test('have equal token counts in pairs, to within one group', () => {
    fc.assert(
      fc.property(lengthsOf, (lengths) => {
        const batches = microBatches(lengths).map((batch) => batch.map((index) => lengths[index] ?? 0));
        for (let i = 0; i + 1 < batches.length; i += 2) {
          const [first = [], second = []] = batches.slice(i, i + 2);
          expect(Math.abs(sum(first) - sum(second))).toBeLessThanOrEqual(Math.max(...first, ...second));
        }
      }),
    );
  });

  test('have the number that their tokens require, an even one, of similar size to within one group', () => {
    fc.assert(
      fc.property(lengthsOf, (lengths) => {
        const batches = microBatches(lengths);
        const tokenCount = sum(lengths);
        const wanted = tokenCount < 1024 ? 1 : 2 * Math.ceil(tokenCount / 4096);
        expect(batches.length).toBeLessThanOrEqual(wanted);
        for (const batch of batches) {
          const own = sum(batch.map((index) => lengths[index] ?? 0));
          expect(Math.abs(own - tokenCount / wanted)).toBeLessThanOrEqual(900);
        }
      }),
    );
  });

  test('are split further until they fit', () => {
    const batches = microBatches(Array<number>(16).fill(400), undefined, ({ length }) => length <= 3);
    expect(batches.map(({ length }) => length)).toEqual([3, 3, 3, 3, 3, 1]);
  });
});

/**
 * DPO: its pairs and weights worked by hand, its loss against TRL's (fixtures/dpo, written by its generate.py), and
 * training.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import { projectRoot } from '../../core/project.ts';
import { dpo } from '../../policy/algorithms/dpo.ts';
import type { RewardParts, RolloutBatch } from '../../policy/algorithms/rollout-batch.ts';
import { algorithms } from '../../policy/algorithms/table.ts';
import type { SampleRequest, TrainableSpec, TrainGroup } from '../../policy/engine.ts';
import { EmbeddedEngine } from '../../policy/engines/embedded/embedded-engine.ts';
import type { DpoLoss } from '../../policy/losses/dpo.ts';
import { joinedPairs, pairStatistics } from '../../policy/losses/pair-statistics.ts';
import { cases, folderOf, promptsOf } from '../support/idefics3-fixture.ts';
import { lossAndGradient } from '../support/loss-run.ts';

const prompt = { tokenIds: [1, 2], images: [] };

/** Rollouts of one prompt; each is told apart by its first token, and has as many tokens as its place says. */
function batchOf(rewards: readonly number[], accuracies?: readonly number[]): RolloutBatch {
  const rollouts = rewards.map((_, k) => ({
    ...{ tokenIds: Array<number>(k + 1).fill(k), logProbs: Array<number>(k + 1).fill(-1) },
    finishReason: 'stop' as const,
  }));
  return {
    ...{ prompts: [prompt], rollouts: [rollouts], rewards: [rewards] },
    referenceLogProbs: [rollouts.map(({ logProbs }) => logProbs.map((value) => value - 1))],
    ...(accuracies && { rewardParts: [accuracies.map((accuracy): RewardParts => ({ accuracy }))] }),
  };
}

const joinedBatches = (...batches: readonly RolloutBatch[]): RolloutBatch => ({
  prompts: batches.flatMap(({ prompts }) => prompts),
  rollouts: batches.flatMap(({ rollouts }) => rollouts),
  rewards: batches.flatMap(({ rewards }) => rewards),
  rewardParts: batches.flatMap(({ rewardParts = [] }) => rewardParts),
  referenceLogProbs: batches.flatMap(({ referenceLogProbs = [] }) => referenceLogProbs),
});

describe('pairs', () => {
  const pairOf = (batch: RolloutBatch) =>
    dpo.groups(batch, {}).groups.map(({ completions }) => completions.map(({ tokenIds }) => tokenIds[0]));

  test.each<[string, number[], number[], (number | undefined)[][]]>([
    ['the right and the wrong rollout', [0.1, 1, 0.1], [0, 1, 0], [[1, 0]]],
    ['the worst of the wrong ones: it cannot be read', [0.1, 1, 0], [0, 1, 0], [[1, 2]]],
    ['the first of equally good ones', [1, 0, 1, 0], [1, 0, 1, 0], [[0, 1]]],
    ['the best of the right ones, though a wrong one has the higher reward', [0.4, 0.5, 0.9], [1, 1, 0], [[1, 2]]],
    ['closer and farther scores', [0.2, 0.8, 0.6], [0.25, 0.75, 0.5], [[1, 0]]],
    ['none where all are right, whatever the rest of their rewards', [1, 0.8], [1, 1], []],
    ['none where all are wrong, whatever their format', [0.1, 0], [0, 0], []],
  ])('%s', (_name, rewards, accuracies, expected) => {
    expect(pairOf(batchOf(rewards, accuracies))).toEqual(expected);
  });

  test('weigh the same, with weights of a pair that sum to 1 / pairs; prompts without a pair are counted', () => {
    const batch = joinedBatches(batchOf([1, 0], [1, 0]), batchOf([1, 1], [1, 1]), batchOf([0, 1, 0], [0, 1, 0]));
    const { groups, droppedGroupCount } = dpo.groups({ ...batch, advantageWeights: [1, 1, 3] }, {});
    expect(droppedGroupCount).toBe(1);
    const shown = groups.map(({ completions }) =>
      completions.map(({ advantage, tokenWeight, tokenIds }) => [advantage, tokenWeight, tokenIds.length]),
    );
    expect(shown).toEqual([
      [
        [1, 1 / 6, 1],
        [-1, 1 / 6, 2],
      ],
      [
        [1, 1 / 2, 2],
        [-1, 1 / 2, 1],
      ],
    ]);
    const [own] = dpo.groups(batch, {}, [1, 2]).groups;
    expect(own?.completions[0]?.tokenWeight).toBe(1 / 3);
  });

  test('keep what was sampled and the log-probs of the reference', () => {
    const batch = batchOf([0, 1], [0, 1]);
    const kept = {
      ...batch,
      rollouts: batch.rollouts.map((of) => of.map((each) => ({ ...each, keptTokenIds: [[7]] }))),
    };
    expect(dpo.groups(kept, {}).groups[0]?.completions[0]).toEqual({
      ...{ tokenIds: [1, 1], logProbs: [-1, -1], referenceLogProbs: [-2, -2] },
      ...{ advantage: 1, tokenWeight: 1 / 3, keptTokenIds: [[7]] },
    });
  });
});

interface Expected {
  /** [completion][token]: the better ones of five pairs, then the worse ones. */
  readonly policy: readonly (readonly number[])[];
  readonly reference: readonly (readonly number[])[];
  readonly cases: readonly {
    readonly beta: number;
    readonly loss: number;
    readonly gradient: readonly (readonly number[])[];
    readonly margin: number;
    readonly accuracy: number;
  }[];
}

const expected = JSON.parse(readFileSync(join(projectRoot, 'test/fixtures/dpo/expected.json'), 'utf8')) as Expected;
const inPairs = (values: readonly (readonly number[])[]) =>
  [0, 1, 2, 3, 4].map((i) => [values[i] ?? [], values[i + 5] ?? []]);

describe('loss', () => {
  const made = inPairs(expected.reference).map((pair) => {
    const rollouts = pair.map((values) => ({
      tokenIds: values.map(() => 3),
      logProbs: values,
      finishReason: 'stop' as const,
    }));
    return { ...batchOf([1, 0], [1, 0]), rollouts: [rollouts], referenceLogProbs: [pair] };
  });
  const { groups } = dpo.groups(joinedBatches(...made), {});
  const current = inPairs(expected.policy);

  test.each(expected.cases)("TRL's loss, gradient, margin and accuracy with beta $beta", async (wanted) => {
    const loss = dpo.loss({ beta: wanted.beta }) as DpoLoss;
    const found = await lossAndGradient(groups, loss, current);
    expect(found.loss).toBeCloseTo(wanted.loss, 5);
    const gradient = inPairs(wanted.gradient).flat(2);
    expect(found.gradient).toHaveLength(gradient.length);
    found.gradient.forEach((value, i) => {
      expect(value).toBeCloseTo(required(gradient[i], 'a gradient'), 5);
    });
    const { margin, accuracy, count } = pairStatistics(groups, current, loss);
    expect([count, margin, accuracy]).toEqual([
      5,
      expect.closeTo(wanted.margin, 9),
      expect.closeTo(wanted.accuracy, 6),
    ]);
  });

  test('worked by hand: log 2 at the reference, and finite for pairs that are far apart', async () => {
    const [pair] = dpo.groups(batchOf([1, 0], [1, 0]), {}).groups;
    const one = [required(pair, 'a pair')];
    const lossAt = async (better: number, worse: number[]) =>
      lossAndGradient(one, { name: 'dpo', beta: 0.5 }, [[[better], worse]]);
    const start = await lossAt(-2, [-2, -2]);
    expect(start.loss).toBeCloseTo(Math.log(2), 6);
    // -beta * (1 - sigmoid(0)) for the better token, and the opposite for the two worse ones.
    expect(start.gradient).toEqual([-0.25, 0.25, 0.25].map((value) => expect.closeTo(value, 6) as unknown));
    // Margin .5 * ((-1 - -2) - (-3 - -2) - (-2 - -2)) = 1.
    expect((await lossAt(-1, [-3, -2])).loss).toBeCloseTo(Math.log(1 + Math.exp(-1)), 6);
    expect((await lossAt(-1000, [-2, -2])).loss).toBeCloseTo(499, 3);
    expect((await lossAt(998, [-2, -2])).loss).toBe(0);
  });
});

describe('statistics', () => {
  test('are means over the pairs of all updates, with the pairs of one pass', () => {
    const updates = [{ count: 3, margin: 1, accuracy: 1 }, { count: 0 }, { count: 1, margin: -1, accuracy: 0 }];
    expect(joinedPairs(updates, 2)).toEqual({ count: 2, margin: 0.5, accuracy: 0.75 });
    expect(joinedPairs([{ count: 0 }], 1)).toEqual({ count: 0 });
    expect(pairStatistics([], [], { name: 'dpo', beta: 1 })).toEqual({ count: 0 });
  });
});

const engine = new EmbeddedEngine({ threadCount: 1 });
afterAll(() => engine.close());

const lora = { rank: 4, alpha: 8, modules: ['q_proj', 'v_proj', 'down_proj'], seed: 1 };

describe.each<[string, TrainableSpec, number]>([
  ['all weights', {}, 2e-3],
  ['adapters', { lora }, 1e-2],
])('training %s', (_name, trainable, learningRate) => {
  test('the loss of a packed request is the formula’s, and updates widen the margin to the reference', async () => {
    const tokens = { stopTokenId: cases.eosTokenId, padTokenId: cases.padTokenId, bannedTokenIds: [cases.padTokenId] };
    const prompts = promptsOf(required(cases.cases['batch-left-padded'], 'case'));
    await engine.loadCheckpoint(folderOf('tied'));
    await engine.loadReference(folderOf('tied'));
    await engine.prepareTraining(trainable);
    const request: SampleRequest = {
      ...{ prompts, groupSize: 6, tokens, seed: 5, step: 0, promptOffset: 0, promptTokenCountMax: 48 },
      sampling: { temperature: 1, greedy: false, tokenCountMax: 5 },
    };
    const { groups: rollouts } = await engine.sample(request);
    // Right if the first token is even.
    const accuracies = rollouts.map((group) => group.map(({ tokenIds: [first = 0] }) => Number(first % 2 === 0)));
    const all = rollouts.map((group, i): TrainGroup => {
      const completions = group.map((each) => ({ ...each, tokenWeight: 0 }));
      return { prompt: required(prompts[i], 'a prompt'), completions };
    });
    const common = { temperature: 1, tokens };
    const referenceLogProbs = await engine.forward({ groups: all, ...common, weights: 'reference' });
    const batch = { prompts, rollouts, rewards: accuracies, referenceLogProbs };
    const { groups } = dpo.groups(batch, {});
    expect(groups.length).toBeGreaterThan(1);
    const loss: DpoLoss = { name: 'dpo', beta: 0.5 };
    const margins: number[] = [];
    for (let update = 0; update < 4; update++) {
      const found = await engine.forwardBackward({ groups, loss, ...common });
      const byHand = groups.map((group, g) => {
        const { margin = NaN } = pairStatistics([group], [required(found.logProbs[g], 'log-probs')], loss);
        return Math.log1p(Math.exp(-margin)) / groups.length;
      });
      expect(found.loss).toBeCloseTo(
        byHand.reduce((a, b) => a + b, 0),
        5,
      );
      margins.push(pairStatistics(groups, found.logProbs, loss).margin ?? NaN);
      await engine.optimStep({
        ...{ learningRate, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, gradientNormMax: 1 },
      });
    }
    expect(margins[0]).toBeCloseTo(0, 4);
    expect(margins.slice(1).every((margin, i) => margin > required(margins[i], 'a margin'))).toBe(true);
    expect(margins.at(-1)).toBeGreaterThan(0.5);
  });
});

test('is in the table, needs the reference, and records its own field alone', () => {
  expect(algorithms.dpo.needs({})).toEqual({ reference: true, trainer: false });
  expect(algorithms.dpo.settings({ beta: 0.3, temperature: 1 })).toEqual({ beta: 0.3 });
});

/**
 * Every algorithm's advantages and loss, against values worked by hand and, where TRL has it, against TRL's loss on the
 * same rewards and log-probs (fixtures/algorithms, written by its generate.py).
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { required } from '../../core/assert.ts';
import { projectRoot } from '../../core/project.ts';
import type { PartsAlgorithm } from '../../policy/algorithms/algorithm.ts';
import type { RewardParts, RolloutBatch } from '../../policy/algorithms/rollout-batch.ts';
import { type AlgorithmName, algorithms } from '../../policy/algorithms/table.ts';
import { ratioStatistics } from '../../policy/losses/ratio-statistics.ts';
import type { PpoLoss } from '../../policy/losses/ppo.ts';
import { lossAndGradient } from '../support/loss-run.ts';

const madeOfParts = Object.entries(algorithms).flatMap(([name, algorithm]): [string, PartsAlgorithm][] =>
  'parts' in algorithm ? [[name, algorithm]] : [],
);

const prompt = { tokenIds: [1, 2], images: [] };

function rolloutOf(logProbs: readonly number[]) {
  return { tokenIds: logProbs.map(() => 3), logProbs, finishReason: 'stop' as const };
}

/** Prompts whose rollouts have these token counts, all of them 1 by default, with log-probs of -1. */
function batchOf(rewards: readonly (readonly number[])[], lengths?: readonly (readonly number[])[]): RolloutBatch {
  return {
    prompts: rewards.map(() => prompt),
    rollouts: rewards.map((group, p) => group.map((_, k) => rolloutOf(Array<number>(lengths?.[p]?.[k] ?? 1).fill(-1)))),
    rewards,
  };
}

const ofCompletions = (name: AlgorithmName, batch: RolloutBatch, settings: object = {}) =>
  algorithms[name].groups(batch, settings).groups.map(({ completions }) => completions);
const advantagesOf = (name: AlgorithmName, batch: RolloutBatch, settings: object = {}) =>
  ofCompletions(name, batch, settings).map((group) => group.map(({ advantage = NaN }) => Number(advantage.toFixed(4))));

describe('advantages worked by hand', () => {
  // Rewards 1, 0, 0, 1: mean .5, sample deviation .57735; 0, 0, 0, 1: mean .25, sample deviation .5.
  const rewards = [
    [1, 0, 0, 1],
    [0, 0, 0, 1],
    [1, 1, 1, 1],
  ];
  const standard = [
    [0.8659, -0.8659, -0.8659, 0.8659],
    [-0.4999, -0.4999, -0.4999, 1.4997],
  ];
  test.each<[AlgorithmName, number[][]]>([
    ['grpo', standard],
    ['dapo', standard],
    ['gspo', standard],
    ['cispo', standard],
    [
      'dr-grpo',
      [
        [0.5, -0.5, -0.5, 0.5],
        [-0.25, -0.25, -0.25, 0.75],
      ],
    ],
    [
      'rloo',
      [
        [0.6667, -0.6667, -0.6667, 0.6667],
        [-0.3333, -0.3333, -0.3333, 1],
      ],
    ],
    [
      'maxrl',
      [
        [1, -1, -1, 1],
        [-1, -1, -1, 3],
      ],
    ],
  ])('%s; a group of equal rewards is left out', (name, expected) => {
    expect(advantagesOf(name, batchOf(rewards), { tokenCountMax: 4 })).toEqual(expected);
  });

  test('reinforce-plus-plus whitens over all tokens, and keeps groups of equal rewards', () => {
    // Tokens: 1 (three times), 0 (once), 0, 0: mean .5, sample variance 1.5 / 5.
    const batch = batchOf(
      [
        [1, 0],
        [0, 0],
      ],
      [
        [3, 1],
        [1, 1],
      ],
    );
    expect(advantagesOf('reinforce-plus-plus', batch)).toEqual([
      [0.9127, -0.9127],
      [-0.9127, -0.9127],
    ]);
    expect(
      algorithms['reinforce-plus-plus'].groups(
        batchOf([
          [1, 1],
          [1, 1],
        ]),
        {},
      ).groups,
    ).toEqual([]);
  });

  test('gdpo tells apart what sums to the same, weighted by part', () => {
    // Two rollouts a prompt: each part that differs has the normalised values +-.7071.
    const rewardParts: RewardParts[][] = [
      [
        { accuracy: 1, format: 1 },
        { accuracy: 0, format: 1 },
      ],
      [
        { accuracy: 1, format: 1 },
        { accuracy: 0, format: 0 },
      ],
      [
        { accuracy: 0, format: 1 },
        { accuracy: 0, format: 1 },
      ],
    ];
    const batch = {
      ...batchOf([
        [1, 0],
        [1, 0],
        [0, 0],
      ]),
      rewardParts,
    };
    // Sums .7071, -.7071, 1.4142, -1.4142, 0, 0 (less the epsilon): sample deviation 1.
    expect(advantagesOf('gdpo', batch)).toEqual(
      [
        [0.707, -0.707],
        [1.414, -1.414],
      ].map((group) => group.map((value): unknown => expect.closeTo(value, 3))),
    );
    const [first, second] = advantagesOf('gdpo', batch, { partWeights: { format: 0 } });
    expect(first).toEqual(second);
  });

  test('raft keeps the rollouts whose verdict is right, also where all are', () => {
    const rewardParts = [
      [{ accuracy: 1 }, { accuracy: 0.9 }],
      [{ accuracy: 1 }, { accuracy: 1 }],
      [{}, { accuracy: 0 }],
    ];
    const batch = {
      ...batchOf([
        [1, 0.9],
        [1, 1],
        [0.1, 0],
      ]),
      rewardParts,
    };
    expect(advantagesOf('raft', batch)).toEqual([
      [1, 0],
      [1, 1],
    ]);
  });

  test('a KL term in the reward makes the rollout farther from the reference worth less', () => {
    const referenceLogProbs = [
      [
        [-1.5, -1.5],
        [-1, -1],
      ],
    ];
    const batch = { ...batchOf([[1, 1]], [[2, 2]]), referenceLogProbs };
    // k1 of the first: 2 * (-1 - -1.5) = 1, so rewards are .9 and 1.
    expect(advantagesOf('rloo', batch, { klCoefficient: 0.1 })).toEqual([[-0.1, 0.1]]);
    // k2: 2 * .25 / 2; k3: 2 * (exp(-.5) + .5 - 1).
    expect(advantagesOf('rloo', batch, { klCoefficient: 1, klEstimator: 'k2' })).toEqual([[-0.25, 0.25]]);
    expect(advantagesOf('rloo', batch, { klCoefficient: 1, klEstimator: 'k3' })).toEqual([[-0.2131, 0.2131]]);
  });
});

describe('weights', () => {
  const batch = batchOf(
    [
      [1, 0],
      [1, 1],
    ],
    [
      [2, 4],
      [3, 1],
    ],
  );
  const weightsOf = (settings: object, chosen?: readonly number[]) =>
    algorithms.grpo.groups(batch, settings, chosen).groups[0]?.completions.map(({ tokenWeight }) => tokenWeight);

  test('normalise over the update, dropped groups included', () => {
    expect(weightsOf({})).toEqual([0.1, 0.1]);
    expect(weightsOf({ weights: 'sequence-mean' })).toEqual([1 / 8, 1 / 16]);
    expect(weightsOf({ weights: 'fixed-length', tokenCountMax: 5 })).toEqual([1 / 20, 1 / 20]);
    expect(weightsOf({}, [0])).toEqual([1 / 6, 1 / 6]);
  });

  test('of an update are those of its prompts, and advantages those of the step', () => {
    const whole = algorithms['reinforce-plus-plus'].groups(batch, {}).groups[1]?.completions;
    const [own] = algorithms['reinforce-plus-plus'].groups(batch, {}, [1]).groups;
    expect(own?.completions.map(({ advantage }) => advantage)).toEqual(whole?.map(({ advantage }) => advantage));
    expect(own?.completions.map(({ tokenWeight }) => tokenWeight)).toEqual([1 / 4, 1 / 4]);
  });

  test('are corrected by the ratio of the trainer to the sampler', () => {
    const trainerLogProbs = [
      [
        [-1 + Math.log(1.5), -1 + Math.log(3)],
        [-1, -1, -1, -1],
      ],
      [[-1, -1, -1], [-1]],
    ];
    const corrected = (settings: object) =>
      algorithms.grpo.groups({ ...batch, trainerLogProbs }, settings).groups[0]?.completions ?? [];
    const [first, second] = corrected({ correction: 'token-truncated' });
    expect(first?.tokenWeight).toEqual([expect.closeTo(0.15, 12), expect.closeTo(0.2, 12)]);
    expect(second?.tokenWeight).toEqual([0.1, 0.1, 0.1, 0.1]);
    // Ratios are then to the trainer's log-probs.
    expect(first?.logProbs).toEqual(trainerLogProbs[0]?.[0]);
    // 1.5 * 3 is above 2.
    expect(corrected({ correction: 'sequence-masked' }).map(({ tokenWeight }) => tokenWeight)).toEqual([0, 0.1]);
    const wide = corrected({ correction: 'sequence-masked', correctionMax: 5 });
    expect(wide.map(({ tokenWeight }) => tokenWeight)).toEqual([0.1, 0.1]);
    const statistics = (settings: object) => algorithms.grpo.correction?.({ ...batch, trainerLogProbs }, settings);
    // Ten tokens: eight ratios of 1, one of 1.5, and one of 3, which is truncated to 2.
    const near = (value: number) => expect.closeTo(value, 12) as number;
    const byToken = { ratioMean: near(1.25), ratioMax: near(3), limitedShare: 0.1 };
    expect(statistics({ correction: 'token-truncated' })).toEqual(byToken);
    // Four rollouts: one with a ratio of 1.5 * 3, which is left out.
    const byRollout = { ratioMean: near(1.875), ratioMax: near(4.5), limitedShare: 0.25 };
    expect(statistics({ correction: 'sequence-masked' })).toEqual(byRollout);
    expect(statistics({ correction: 'sequence-masked', correctionMax: 5 })).toMatchObject({ limitedShare: 0 });
  });
});

interface Expected {
  readonly rewards: readonly (readonly number[])[];
  /** [rollout][token], rollouts of all prompts in order. */
  readonly old: readonly (readonly number[])[];
  readonly far: readonly (readonly number[])[];
  readonly near: readonly (readonly number[])[];
  readonly reference: readonly (readonly number[])[];
  readonly cases: Readonly<Record<string, ExpectedCase>>;
}
interface ExpectedCase {
  /** Default: the name of the case. */
  readonly algorithm?: AlgorithmName;
  readonly settings: object;
  readonly near?: boolean;
  readonly loss: number;
  readonly gradient: readonly (readonly number[])[];
  readonly clippedShare: number;
}

const expected = JSON.parse(
  readFileSync(join(projectRoot, 'test/fixtures/algorithms/expected.json'), 'utf8'),
) as Expected;

function inGroups<T>(values: readonly T[]): T[][] {
  return expected.rewards.map((_, p) => values.slice(4 * p, 4 * p + 4));
}

describe("TRL's loss, gradient and clipped share", () => {
  test.each(Object.entries(expected.cases))('%s', async (name, wanted) => {
    const algorithm = algorithms[wanted.algorithm ?? (name as AlgorithmName)];
    const batch: RolloutBatch = {
      prompts: expected.rewards.map(() => prompt),
      rollouts: inGroups(expected.old).map((group) => group.map(rolloutOf)),
      rewards: expected.rewards,
      rewardParts: expected.rewards.map((group) => group.map((accuracy) => ({ accuracy }))),
      referenceLogProbs: inGroups(expected.reference),
    };
    const { groups } = algorithm.groups(batch, wanted.settings);
    // TRL computes groups of advantage 0 too.
    const kept = batch.prompts.map((_, p) => groups.length === 3 || p !== 1);
    const ofKept = (values: readonly (readonly number[])[]) => inGroups(values).filter((_, p) => kept[p]);
    const current = ofKept(wanted.near === true ? expected.near : expected.far);
    const found = await lossAndGradient(groups, algorithm.loss(wanted.settings), current);
    expect(found.loss).toBeCloseTo(wanted.loss, 6);
    const gradient = ofKept(wanted.gradient).flat(2);
    expect(found.gradient).toHaveLength(gradient.length);
    found.gradient.forEach((value, i) => {
      expect(value).toBeCloseTo(required(gradient[i], 'a gradient'), 5);
    });
    const { clippedShare, count } = ratioStatistics(groups, current, algorithm.loss(wanted.settings) as PpoLoss);
    const all = wanted.algorithm === undefined && /gspo|rloo/.test(name) ? 12 : expected.old.flat().length;
    // TRL counts weights of CISPO as clipped only if the advantage is positive.
    if (name !== 'cispo') expect((clippedShare * count) / all).toBeCloseTo(wanted.clippedShare, 6);
    else expect((clippedShare * count) / all).toBeGreaterThan(wanted.clippedShare);
  });

  test('every algorithm that is made of parts has a case', () => {
    expect(madeOfParts.filter(([name]) => !(name in expected.cases))).toEqual([]);
  });
});

test('the table of docs/algorithms.md says what the algorithms are, with fixed parts in bold', () => {
  const rows = madeOfParts.map(([name, algorithm]) => {
    const { advantage, weights, ratio, clip, klEstimator, klIn } = algorithm.parts({});
    const { clipLow, clipHigh } = algorithm.loss({}) as PpoLoss;
    const shown = (part: 'advantage' | 'weights' | 'ratio' | 'clip', value: unknown): string =>
      isFixed(algorithm, part) ? `**${String(value)}**` : String(value);
    const where = isFixed(algorithm, 'klIn') ? `**in the ${klIn}**` : `in the ${klIn}`;
    const cells = [
      shown('advantage', advantage),
      shown('weights', weights),
      shown('ratio', ratio),
      shown('clip', clip),
    ];
    return [`\`${name}\``, ...cells, `${String(clipLow)} / ${String(clipHigh)}`, `${klEstimator} ${where}`].join(' | ');
  });
  const page = readFileSync(join(projectRoot, 'docs/algorithms.md'), 'utf8').replaceAll(/\| arXiv \d{4}\.\d{5} /g, '');
  expect(rows.filter((row) => !page.includes(`| ${row} |`))).toEqual([]);
});

function isFixed({ fields }: PartsAlgorithm, part: 'advantage' | 'weights' | 'ratio' | 'clip' | 'klIn') {
  return fields[part].unwrap().options.length === 1;
}

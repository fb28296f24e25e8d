/** The advantage rules: from the rewards of a step's rollouts to an advantage for each. */
import { inGroup, spreadMin } from './in-group.ts';
import type { RewardParts, RolloutBatch } from './rollout-batch.ts';

export interface AdvantageSettings {
  /** Of the parts of a reward; default: 1 each. */
  readonly partWeights?: Readonly<Partial<Record<keyof RewardParts, number>>> | undefined;
}

/**
 * Returns [prompt][rollout]; 0 for a rollout that teaches nothing.
 * @param rewards [prompt][rollout]: those of the batch, less a KL term if the recipe takes it off them
 */
export type AdvantageRule = (
  rewards: readonly (readonly number[])[],
  batch: RolloutBatch,
  settings: AdvantageSettings,
) => number[][];

/** Keeps a small deviation from making large advantages. */
const deviationEpsilon = 1e-4;

function meanOf(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

/** Of a sample. */
function deviationOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((a, value) => a + (value - mean) ** 2, 0) / (values.length - 1));
}

const byGroup =
  (rule: (rewards: readonly number[]) => number[]): AdvantageRule =>
  (rewards) =>
    rewards.map((group) => inGroup(group, rule));

function standardised(rewards: readonly number[]): number[] {
  const [mean, deviation] = [meanOf(rewards), deviationOf(rewards)];
  return rewards.map((reward) => (reward - mean) / (deviation + deviationEpsilon));
}

function centred(rewards: readonly number[]): number[] {
  const mean = meanOf(rewards);
  return rewards.map((reward) => reward - mean);
}

function leaveOneOut(rewards: readonly number[]): number[] {
  const sum = rewards.reduce((a, b) => a + b, 0);
  return rewards.map((reward) => reward - (sum - reward) / (rewards.length - 1));
}

/** Rewards must not be negative (recipes/checks/algorithm-checks.ts): those that differ then have a mean above 0. */
function meanScaled(rewards: readonly number[]): number[] {
  const mean = meanOf(rewards);
  return rewards.map((reward) => (reward - mean) / mean);
}

/** Mean and deviation are those over all tokens of the step: a rollout counts once for each of its tokens. */
const batchWhitened: AdvantageRule = (rewards, { rollouts }) => {
  const counted = rewards.flatMap((group, p) =>
    group.map((reward, k) => ({ reward, tokenCount: rollouts[p]?.[k]?.tokenIds.length ?? 0 })),
  );
  const tokenCount = counted.reduce((sum, each) => sum + each.tokenCount, 0);
  const mean = counted.reduce((sum, each) => sum + each.tokenCount * each.reward, 0) / tokenCount;
  const squares = counted.reduce((sum, each) => sum + each.tokenCount * (each.reward - mean) ** 2, 0);
  const deviation = Math.sqrt(squares / (tokenCount - 1));
  const isEqual = !(deviation >= spreadMin);
  return rewards.map((group) =>
    group.map((reward) => (isEqual ? 0 : (reward - mean) / (deviation + deviationEpsilon))),
  );
};

/** A part that a rollout of the step lacks, such as the agreement of an answer that cannot be read, counts as 0. */
const perPart: AdvantageRule = (rewards, { rewardParts }, { partWeights = {} }) => {
  const parts = rewardParts ?? rewards.map((group) => group.map((accuracy): RewardParts => ({ accuracy })));
  const names = [...new Set(parts.flat().flatMap((each) => Object.keys(each) as (keyof RewardParts)[]))].sort();
  const sums = parts.map((group) => {
    const ofParts = names.map((name) => {
      const weight = partWeights[name] ?? 1;
      return inGroup(
        group.map((each) => each[name] ?? 0),
        standardised,
      ).map((value) => weight * value);
    });
    return group.map((_, k) => ofParts.reduce((sum, values) => sum + (values[k] ?? 0), 0));
  });
  // Their mean over the step is 0: it is 0 in every group.
  const deviation = deviationOf(sums.flat());
  return sums.map((group) => group.map((value) => value / (deviation + deviationEpsilon)));
};

const rightOnly: AdvantageRule = (rewards, { rewardParts }) =>
  rewards.map((group, p) => group.map((_, k) => (rewardParts?.[p]?.[k]?.accuracy === 1 ? 1 : 0)));

const rules = {
  'group-std': byGroup(standardised),
  'group-mean': byGroup(centred),
  'leave-one-out': byGroup(leaveOneOut),
  'mean-scaled': byGroup(meanScaled),
  'batch-whitened': batchWhitened,
  'per-part': perPart,
  'right-only': rightOnly,
} as const satisfies Readonly<Record<string, AdvantageRule>>;

export type AdvantageName = keyof typeof rules;
export const advantageNames = Object.keys(rules) as [AdvantageName, ...AdvantageName[]];

export function advantageRule(advantage: AdvantageName | AdvantageRule): AdvantageRule {
  return typeof advantage === 'string' ? rules[advantage] : advantage;
}

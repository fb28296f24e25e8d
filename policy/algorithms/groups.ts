/** Builds the groups of an update from advantages and weights. */
import { assert, required } from '../../core/assert.ts';
import type { SampledCompletion, TrainGroup } from '../engine.ts';
import { advantageRule, type AdvantageSettings } from './advantages.ts';
import { corrections } from './corrections.ts';
import { rewardsLessKl } from './kl-reward.ts';
import type { Parts } from './parts.ts';
import type { RolloutBatch, RolloutGroups } from './rollout-batch.ts';

export interface GroupSettings extends AdvantageSettings {
  readonly parts: Parts;
  readonly klCoefficient: number;
  readonly correctionMax?: number | undefined;
  /** Longest rollout; needed by the weights `fixed-length` alone. */
  readonly tokenCountMax?: number | undefined;
}

/** @param chosen indices of the prompts of this update */
export function trainGroups(
  batch: RolloutBatch,
  settings: GroupSettings,
  chosen: readonly number[] = batch.prompts.map((_, index) => index),
): RolloutGroups {
  const { parts, klCoefficient } = settings;
  const advantages = advantageRule(parts.advantage)(rewardsLessKl(batch, settings), batch, settings);
  // A KL term in the loss is a mean over all groups.
  const keepsAll = klCoefficient > 0 && parts.klIn === 'loss';
  const weightOf = tokenWeights(batch, settings, chosen);
  const groups = chosen.flatMap((index): TrainGroup[] => {
    const prompt = required(batch.prompts[index], 'a prompt');
    const values = required(advantages[index], 'the advantages of a prompt');
    if (!keepsAll && values.every((value) => value === 0)) return [];
    // Applied after normalisation within the group, which would cancel the weight.
    const weight = batch.advantageWeights?.[index] ?? 1;
    const completions = rolloutsOf(batch, index).map((rollout, k) => {
      const trainerLogProbs = batch.trainerLogProbs?.[index]?.[k];
      const referenceLogProbs = keepsAll ? batch.referenceLogProbs?.[index]?.[k] : undefined;
      return {
        tokenIds: rollout.tokenIds,
        tokenWeight: corrections[parts.correction](weightOf(rollout), rollout, trainerLogProbs, settings),
        advantage: required(values[k], 'an advantage') * weight,
        logProbs: trainerLogProbs ?? rollout.logProbs,
        ...(referenceLogProbs && { referenceLogProbs }),
        ...(rollout.keptTokenIds && { keptTokenIds: rollout.keptTokenIds }),
      };
    });
    return [{ prompt, completions }];
  });
  return { groups, droppedGroupCount: chosen.length - groups.length };
}

/**
 * Weight of each token of a rollout, with the normaliser: that of the update, dropped groups included. An update in
 * which few groups have advantages that are not 0 is a small one.
 */
function tokenWeights(
  batch: RolloutBatch,
  { parts: { weights }, tokenCountMax }: GroupSettings,
  chosen: readonly number[],
): (rollout: SampledCompletion) => number {
  const rollouts = chosen.flatMap((index) => rolloutsOf(batch, index));
  switch (weights) {
    case 'token-mean': {
      const tokenCount = rollouts.reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
      return () => 1 / tokenCount;
    }
    case 'sequence-mean':
      return ({ tokenIds }) => 1 / (rollouts.length * tokenIds.length);
    case 'fixed-length':
      assert(tokenCountMax !== undefined, 'weights of fixed length need tokenCountMax');
      return () => 1 / (rollouts.length * tokenCountMax);
  }
}

function rolloutsOf({ rollouts }: RolloutBatch, index: number): readonly SampledCompletion[] {
  return required(rollouts[index], 'the rollouts of a prompt');
}

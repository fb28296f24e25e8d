/** Updates from rollouts: one step, whose updates and loss the arm's algorithm makes from rollouts and rewards. */
import pMap from 'p-map';
import { required } from '../../../core/assert.ts';
import type { Algorithm } from '../../../policy/algorithms/algorithm.ts';
import { minibatchPrompts } from '../../../policy/algorithms/minibatches.ts';
import type { RolloutBatch } from '../../../policy/algorithms/rollout-batch.ts';
import { algorithms, defaultAlgorithm } from '../../../policy/algorithms/table.ts';
import type { TrainGroup } from '../../../policy/engine.ts';
import { learningRateAt } from '../../../policy/optimizer/schedule.ts';
import type { RlArm } from '../../../recipes/recipe.ts';
import type { PromptedDataset } from '../../asking/prompts/prompter.ts';
import { exampleLookup } from '../../data/dataset-artifact.ts';
import { shownExample } from '../../data/shown-example.ts';
import type { JsonCache } from '../../json-cache.ts';
import type { RlUpdate } from '../../policies/step-record.ts';
import { taskOf } from '../../recipe-access.ts';
import type { ReadyStep } from '../apply-update.ts';
import { rewardParts } from '../reward-parts.ts';
import { outsideOf } from '../collapse-check.ts';
import { drawSeed } from '../draw-seed.ts';
import { type PromptRollouts, rewardedRollouts, type StepRewards } from '../rollout-artifact.ts';
import type { SplitStep } from '../split-step.ts';
import { commonOf, encodingCountMax } from './common.ts';
import type { Updates } from './updates.ts';

export const rlUpdates: Updates<RlArm, RlUpdate> = {
  loss: (arm) => algorithms[arm.algorithm].loss(arm),

  usesReference: (arm) => algorithms[arm.algorithm].usesReference(arm),

  plan(recipe, arm, input) {
    const { algorithm, temperature, logProbToleranceMax, mode } = arm;
    const { updateCount = 1, epochCount = 1 } = arm;
    const isSplit = updateCount > 1 || epochCount > 1;
    return {
      ...algorithms[algorithm].settings(arm),
      objective: 'grpo',
      algorithm,
      ...(isSplit && { minibatches: { updateCount, epochCount, seed: drawSeed(input) } }),
      ...(input.stalenessStepCount !== undefined && { stalenessStepCount: input.stalenessStepCount }),
      ...commonOf(recipe, arm, input),
      step: input.fromStep,
      learningRate: learningRateAt(arm.optimizer, input.fromStep, input.stepCount ?? arm.stepCount),
      ...{ mode, temperature, logProbToleranceMax },
      rollouts: required(input.rollouts, 'the rollouts of a step'),
      rewards: required(input.rewards, 'the rewards of a step'),
      reference: input.reference?.snapshot ?? null,
    };
  },

  async ready(cache, prompted, update) {
    return [await readyStep(cache, prompted, update)];
  },

  inputs({ dataset, rollouts, rewards, reference, ...config }) {
    return { inputs: { dataset, rollouts, rewards, ...(reference && { reference }) }, config };
  },

  firstSteps: (update) => update,
};

async function readyStep(cache: JsonCache, prompted: PromptedDataset, update: RlUpdate): Promise<ReadyStep> {
  const { rewards, shards } = await rewardedRollouts(cache, update);
  const shown = shards.flatMap((shard) => shard.prompts);
  const exampleAt = await exampleLookup(
    prompted.dataset,
    shown.map(({ exampleIndex }) => exampleIndex),
  );
  const prompts = await pMap(
    shown,
    (prompt) => {
      const stored = exampleAt(prompt.exampleIndex);
      return prompted.encode(shownExample(stored, prompt, taskOf(update.prompting, stored.task)), update.mode, update);
    },
    { concurrency: encodingCountMax },
  );
  const graded = shown.map(({ exampleId }, i) => required(rewards.prompts[i], `rewards of ${exampleId}`));
  const { algorithm = defaultAlgorithm, step, learningRate, temperature, logProbToleranceMax } = update;
  const unit = algorithms[algorithm];
  const batch: RolloutBatch = {
    prompts,
    rollouts: shown.map(({ rollouts }) => rollouts),
    rewards: graded.map(({ rollouts }) => rollouts.map(({ reward }) => reward.value)),
    rewardParts: graded.map(({ rollouts }) => rollouts.map(({ reward }) => rewardParts(reward))),
    advantageWeights: graded.map(({ weight = 1 }) => weight),
  };
  const split = splitOf(unit, batch, update);
  const trained = split ? { groups: bareGroups(batch), droppedGroupCount: 0, split } : unit.groups(batch, update);
  const checked = isStale(update) ? {} : { logProbToleranceMax };
  const ready = { step, learningRate, ...trained, loss: unit.loss(update), temperature, ...checked };
  const outside = outsideOfLimits(update, rewards, shown);
  return { ...ready, ...outside };
}

/** Whether an older policy than the one that is trained sampled the rollouts. */
function isStale({ stalenessStepCount = 0 }: RlUpdate): boolean {
  return stalenessStepCount > 0;
}

function outsideOfLimits({ guards }: RlUpdate, { prompts }: StepRewards, shown: readonly PromptRollouts[]) {
  if (!guards?.collapse) return {};
  const { limits, isSkipped: skipped } = guards.collapse;
  const rollouts = shown.flatMap((prompt) => prompt.rollouts);
  const found = outsideOf(limits, prompts, rollouts);
  return found === undefined ? {} : { collapsed: { code: 'POLICY_COLLAPSED' as const, found, skipped } };
}

/** Undefined if the step is one update whose advantages and weights are known already. */
function splitOf(unit: Algorithm, batch: RolloutBatch, update: RlUpdate): SplitStep | undefined {
  const { minibatches, step } = update;
  const needs = unit.needs(update);
  if (!minibatches && !needs.reference && !needs.trainer) return undefined;
  const { epochCount } = minibatches ?? { epochCount: 1 };
  return {
    needs: { ...needs, reference: unit.usesReference(update) },
    epochCount,
    ...(isStale(update) && {
      correctionOf: (trainerLogProbs) => unit.correction?.({ ...batch, trainerLogProbs }, update),
    }),
    updatesOf({ reference, trainer }) {
      const known = {
        ...batch,
        ...(reference && { referenceLogProbs: reference }),
        ...(trainer && { trainerLogProbs: trainer }),
      };
      if (!minibatches) return [unit.groups(known, update)];
      const chosen = minibatchPrompts(batch.prompts.length, step, minibatches);
      return chosen.map((indices) => unit.groups(known, update, indices));
    },
  };
}

/** All groups of the step, for log-probs of all of their tokens. */
function bareGroups({ prompts, rollouts }: RolloutBatch): TrainGroup[] {
  return prompts.map((prompt, i) => ({
    prompt,
    completions: required(rollouts[i], 'rollouts').map(({ tokenIds, logProbs, keptTokenIds }) => ({
      ...{ tokenIds, tokenWeight: 0, logProbs },
      ...(keptTokenIds && { keptTokenIds }),
    })),
  }));
}

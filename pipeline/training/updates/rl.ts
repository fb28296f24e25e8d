/** Updates from rollouts: one step, whose groups and loss the arm's algorithm makes from rollouts and rewards. */
import pMap from 'p-map';
import { required } from '../../../core/assert.ts';
import { algorithms, defaultAlgorithm } from '../../../policy/algorithms/table.ts';
import { learningRateAt } from '../../../policy/optimizer/schedule.ts';
import type { RlArm } from '../../../recipes/recipe.ts';
import type { PromptedDataset } from '../../asking/prompter.ts';
import { exampleLookup } from '../../data/dataset-artifact.ts';
import { shownExample } from '../../data/shown-example.ts';
import type { JsonCache } from '../../json-cache.ts';
import type { RlUpdate } from '../../policies/step-record.ts';
import { taskOf } from '../../recipe-access.ts';
import type { ReadyStep } from '../apply-update.ts';
import type { RolloutShard, StepRewards } from '../rollout-artifact.ts';
import { commonOf, encodingCountMax } from './common.ts';
import type { Updates } from './updates.ts';

export const rlUpdates: Updates<RlArm, RlUpdate> = {
  loss: (arm) => algorithms[arm.algorithm].loss(arm),

  plan(recipe, arm, input) {
    const { algorithm, temperature, logProbToleranceMax, mode } = arm;
    return {
      ...algorithms[algorithm].settings(arm),
      objective: 'grpo',
      algorithm,
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
  const [rewards, ...shards] = (await Promise.all(
    [update.rewards, ...update.rollouts].map((ref) => cache.get(ref)),
  )) as [StepRewards, ...RolloutShard[]];
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
  const batch = {
    prompts,
    rollouts: shown.map(({ rollouts }) => rollouts),
    rewards: graded.map(({ rollouts }) => rollouts.map(({ reward }) => reward.value)),
    advantageWeights: graded.map(({ weight = 1 }) => weight),
  };
  const { algorithm = defaultAlgorithm, step, learningRate, temperature, logProbToleranceMax } = update;
  const unit = algorithms[algorithm];
  const trained = { ...unit.groups(batch, update), loss: unit.loss(update) };
  return { step, learningRate, ...trained, temperature, logProbToleranceMax };
}

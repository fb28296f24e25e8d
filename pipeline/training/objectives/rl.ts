/** Arms of reinforcement learning: prompts and their rollouts, one step at a time. */
import type { RlArm } from '../../../recipes/recipe.ts';
import type { Training } from './training.ts';

export function rlTraining(arm: RlArm): Training {
  const { promptCountPerStep, groupSize, tokenCountMax, rolloutShardCount, curriculum, resampling } = arm;
  const furtherRoundCount = (resampling?.roundCountMax ?? 1) - 1;
  return {
    plan: {
      ...{ stepCountPerActivity: 1, rolloutShardCount },
      ...(curriculum && { replanEveryStepCount: curriculum.replanEveryStepCount }),
      ...(resampling && { resampling }),
    },
    mixing: {
      exampleCountPerStep: promptCountPerStep,
      reserveCountPerStep: promptCountPerStep * furtherRoundCount,
      ...(curriculum && { curriculum }),
    },
    completion: tokenCountMax,
    groupSize,
  };
}

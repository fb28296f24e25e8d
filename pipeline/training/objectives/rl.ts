/** RL arms: prompts and their rollouts, one step per activity. */
import type { RlArm } from '../../../recipes/recipe.ts';
import type { Training } from './training.ts';

export function rlTraining(arm: RlArm): Training {
  const { promptCountPerStep, groupSize, tokenCountMax, rolloutShardCount, curriculum, dynamicSampling } = arm;
  const furtherRoundCount = (dynamicSampling?.roundCountMax ?? 1) - 1;
  return {
    plan: {
      ...{ stepCountPerActivity: 1, rolloutShardCount },
      ...(curriculum && { replanEveryStepCount: curriculum.replanEveryStepCount }),
      ...(dynamicSampling && { resampling: dynamicSampling }),
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

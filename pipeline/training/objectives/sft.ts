/** Supervised arms: examples and their targets, several steps per activity. */
import type { SftArm } from '../../../recipes/recipe.ts';
import type { Training } from './training.ts';

export function sftTraining({ exampleCountPerStep, stepCountPerActivity }: SftArm): Training {
  return {
    plan: { stepCountPerActivity, rolloutShardCount: 0 },
    mixing: { exampleCountPerStep, reserveCountPerStep: 0 },
    completion: 'target',
    groupSize: 1,
  };
}

/** What a plan says is to be done: workflows branch on this, and not on objectives or algorithms. */
import type { ArmPlan } from '../../contract/activities.ts';

export function isTrained({ stepCount }: ArmPlan): boolean {
  return stepCount > 0;
}

/** Supervised plans of before `rolloutShardCount` could be 0 say 1, and must replay: their objective tells. */
export function samplesRollouts({ rolloutShardCount, objective }: ArmPlan): boolean {
  return rolloutShardCount > 0 && objective !== 'sft';
}

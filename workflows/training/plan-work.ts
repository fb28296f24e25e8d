/** What a run's plan requires: workflows branch on this, not on objectives or algorithms. */
import type { ArmPlan } from '../../contract/activities.ts';

export function isTrained({ stepCount }: ArmPlan): boolean {
  return stepCount > 0;
}

/** Earlier supervised plans have a `rolloutShardCount` of 1 and must still replay: their objective identifies them. */
export function samplesRollouts({ rolloutShardCount, objective }: ArmPlan): boolean {
  return rolloutShardCount > 0 && objective !== 'sft';
}

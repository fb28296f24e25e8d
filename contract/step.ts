/** A whole step of reinforcement learning in one activity. */
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { Held, PolicyState, RewardResult, RolloutResult, RunRef, Timed } from './activities.ts';
import type { OptimizeResult } from './optimize.ts';

export interface StepInput extends RunRef {
  /** The mixture plan. */
  readonly plan: ArtifactRef;
  readonly step: number;
  readonly policy: PolicyState;
  /** The reference policy, if the arm's algorithm compares with one. */
  readonly reference?: PolicyState;
}

/** Each part has a manifest of its own, under the key of the separate activity. */
export interface StepResult extends Timed, Held {
  readonly rollout: RolloutResult;
  readonly reward: RewardResult;
  readonly update: OptimizeResult;
}

/** Updates of a policy: one step from rollouts, or several supervised ones. */
import type { ArtifactRef } from '../artifacts/ref.ts';
import type { BadSteps } from './guards.ts';
import type { Held, Made, PolicyState, RunRef, Timed } from './activities.ts';

export interface OptimizeInput extends RunRef {
  readonly plan: ArtifactRef;
  /** Steps [fromStep, toStep); a single step if there are rollouts and rewards. */
  readonly fromStep: number;
  readonly toStep: number;
  readonly rollouts?: readonly ArtifactRef[];
  readonly rewards?: ArtifactRef;
  readonly policy: PolicyState;
  /** Number of steps by which the policy that sampled is older than `policy`; only if the arm samples ahead. */
  readonly stalenessStepCount?: number;
  /** The reference policy, if the arm's algorithm compares with one. */
  readonly reference?: PolicyState;
  /** A step record of another run, whose steps are repeated whatever the recipe says now (fork.ts). */
  readonly recorded?: ArtifactRef;
}
export interface OptimizeResult extends Made, Timed, Held {
  /** The step record: everything needed to replay the activity's updates. */
  readonly record: ArtifactRef;
  readonly loss: number;
  readonly gradientNorm: number;
  readonly learningRate: number;
  /** Largest absolute difference between rollout and trainer log-probs of a token, nats; 0 for supervised steps. */
  readonly logProbDifferenceMax: number;
  /** k3 estimate of KL(sampler || trainer) of the last step, nats per token; undefined for supervised steps. */
  readonly samplerKlMean?: number;
  /** k3 estimate of KL(policy || reference) before the last step, nats per token; undefined without a KL term. */
  readonly klMean?: number;
  /** Ratios of new to old probability over the updates of a step; undefined if it was one update. */
  readonly ratio?: { readonly mean: number; readonly max: number; readonly clippedShare: number };
  /** Of DPO: pairs of the last step, and their margin and accuracy under the implicit reward, if there are any. */
  readonly pairs?: { readonly count: number; readonly margin?: number; readonly accuracy?: number };
  readonly tokenCount: number;
  readonly droppedGroupCount: number;
  readonly weightsDigest: string;
  /** Absent if the numbers of all steps are good. */
  readonly bad?: BadSteps;
}

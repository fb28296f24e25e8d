/**
 * A whole step: rollouts, rewards, update. Each part is stored under its own key before the next one begins, so a retry
 * after a crash repeats only the part that was in progress.
 */
import type { StepInput, StepResult } from '../../contract/step.ts';
import type { ComputeContext } from '../compute-context.ts';
import type { Caller } from '../heartbeat.ts';
import { createOptimize } from './optimize.ts';
import { createReward } from './reward.ts';
import { createRollout } from './rollout.ts';

export function createStep(context: ComputeContext) {
  const rolloutOf = createRollout(context);
  const rewardOf = createReward(context.deps, context.cache);
  const optimize = createOptimize(context);
  return async (input: StepInput, caller: Caller): Promise<StepResult> => {
    const { plan, step, policy, reference, ...run } = input;
    const rollout = await rolloutOf({ ...run, plan, step, policy, shard: { index: 0, count: 1 } }, caller);
    const rollouts = [rollout.rollouts];
    const reward = await rewardOf({ ...run, step, rollouts }, caller);
    const { rewards } = reward;
    const made = { rollouts, rewards, policy, ...(reference && { reference }) };
    const update = await optimize({ ...run, plan, fromStep: step, toStep: step + 1, ...made }, caller);
    return { rollout, reward, update };
  };
}

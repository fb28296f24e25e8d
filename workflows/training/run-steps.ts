/** One step of a run, as activities: from a policy, a plan and a step number to the next policy. */
import type { ArmPlan, PolicyState, RewardResult, RolloutResult, RunRef } from '../../contract/activities.ts';
import type { OptimizeResult } from '../../contract/optimize.ts';
import type { SharedRun } from '../../contract/fork.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { compute, control } from '../activity-options.ts';
import { onPool } from '../pools.ts';
import type { RunBudget } from './run-budget.ts';
import type { RunTracker } from './run-tracker.ts';
import type { RunInput } from '../../contract/workflows.ts';

type Resampling = NonNullable<ArmPlan['resampling']>;

export interface StepContext {
  readonly input: RunInput;
  readonly planRef: ArtifactRef;
  readonly tracker: RunTracker;
  readonly budget: RunBudget;
}

export interface RolloutStep {
  readonly update: OptimizeResult;
  readonly rewards: ArtifactRef;
}

/** rollout shards -> reward, again while too few groups are informative and rounds are left -> optimize. */
export async function rolloutStep(context: StepContext, step: number, policy: PolicyState): Promise<RolloutStep> {
  const { input, planRef, tracker } = context;
  const { resampling, pools, stepInOneActivity } = input.plan;
  if (stepInOneActivity) return stepAtOnce(context, step, policy);
  const runRef = runRefOf(context);
  let shards: readonly RolloutResult[] = [];
  let reward: RewardResult;
  const rewarded: RewardResult[] = [];
  let round = 0;
  do {
    tracker.phase(`step ${String(step)}: rollouts`);
    shards = [...shards, ...(await rollouts(context, step, policy, round))];
    tracker.phase(`step ${String(step)}: rewards`);
    reward = await control.reward.executeWithOptions({ summary: `step ${String(step)} · rewards` }, [
      { ...runRef, step, rollouts: shards.map((shard) => shard.rollouts) },
    ]);
    rewarded.push(reward);
    round++;
  } while (resampling && round < resampling.roundCountMax && isTooUniform(reward, resampling));
  const refs = shards.map((shard) => shard.rollouts);

  tracker.phase(`step ${String(step)}: update`);
  const summary = `step ${String(step)} · update`;
  const update = await compute.optimize.executeWithOptions({ summary, ...onPool(pools?.training) }, [
    {
      ...runRef,
      plan: planRef,
      fromStep: step,
      toStep: step + 1,
      rollouts: refs,
      rewards: reward.rewards,
      policy,
      ...referenceOf(input),
    },
  ]);
  tracker.made('rollout', ...shards);
  tracker.made('reward', ...rewarded);
  track(context, step, [...shards, ...rewarded], update, { reward, shards });
  return { update, rewards: reward.rewards };
}

/** The step as one activity, whose result is that of its three parts. */
async function stepAtOnce(context: StepContext, step: number, policy: PolicyState): Promise<RolloutStep> {
  const { input, planRef, tracker } = context;
  const summary = `step ${String(step)}: rollouts, rewards, update`;
  tracker.phase(summary);
  const { rollout, reward, update } = await compute.step.executeWithOptions(
    { summary, ...onPool(input.plan.pools?.training) },
    [{ ...runRefOf(context), plan: planRef, step, policy, ...referenceOf(input) }],
  );
  tracker.alsoMade('rollout', rollout);
  tracker.alsoMade('reward', reward);
  track(context, step, [rollout, reward], update, { reward, shards: [rollout] });
  return { update, rewards: reward.rewards };
}

function referenceOf({ plan, initial }: RunInput): { readonly reference?: PolicyState } {
  return plan.usesReference ? { reference: initial.policy } : {};
}

function isTooUniform(reward: RewardResult, { informativeGroupCountMin }: Resampling): boolean {
  return reward.informativeGroupCount < informativeGroupCountMin;
}

/** Steps [step, toStep) without rollouts, in one activity. */
export async function updateSteps(
  context: StepContext,
  step: number,
  toStep: number,
  policy: PolicyState,
): Promise<OptimizeResult> {
  const { planRef, tracker } = context;
  const steps = `steps ${String(step)}–${String(toStep - 1)}`;
  tracker.phase(steps);
  const summary = `${steps} · supervised updates`;
  const update = await compute.optimize.executeWithOptions({ summary, ...onPool(context.input.plan.pools?.training) }, [
    { ...runRefOf(context), plan: planRef, fromStep: step, toStep, policy },
  ]);
  track(context, toStep - 1, [], update);
  return update;
}

/** The first steps of another run's update, up to the step at which a fork begins. */
export async function recordedSteps(
  context: StepContext,
  { step, cut }: SharedRun,
  policy: PolicyState,
): Promise<OptimizeResult> {
  const { planRef, tracker } = context;
  if (!cut) throw new Error('a fork at the end of an update has no steps to replay');
  const { record, toStep } = cut;
  const steps = `steps ${String(step)}–${String(toStep - 1)}`;
  tracker.phase(steps);
  const summary = `${steps} · as recorded before the fork`;
  const update = await compute.optimize.executeWithOptions({ summary, ...onPool(context.input.plan.pools?.training) }, [
    { ...runRefOf(context), plan: planRef, fromStep: step, toStep, policy, recorded: record },
  ]);
  track(context, toStep - 1, [], update);
  return update;
}

export function runRefOf({ input, budget }: Pick<StepContext, 'input' | 'budget'>): RunRef {
  const { recipe, dataset, plan } = input;
  const { stepCount } = budget;
  return { recipe, dataset, arm: plan.arm, seed: plan.seed, ...(stepCount !== plan.stepCount && { stepCount }) };
}

function rollouts(context: StepContext, step: number, policy: PolicyState, round: number): Promise<RolloutResult[]> {
  const { input, planRef } = context;
  const count = input.plan.rolloutShardCount;
  const shards = Array.from({ length: count }, (_, index) => {
    const again = round === 0 ? '' : ` · round ${String(round + 1)}`;
    const summary = `step ${String(step)} · rollouts ${String(index + 1)}/${String(count)}${again}`;
    return compute.rollout.executeWithOptions({ summary, ...onPool(input.plan.pools?.rollouts) }, [
      { ...runRefOf(context), plan: planRef, step, shard: { index, count }, policy, ...(round > 0 && { round }) },
    ]);
  });
  return Promise.all(shards);
}

function track(
  { tracker }: StepContext,
  step: number,
  before: readonly (RolloutResult | RewardResult)[],
  update: OptimizeResult,
  sampled?: { readonly reward: RewardResult; readonly shards: readonly RolloutResult[] },
): void {
  const made = [...before, update];
  tracker.made('optimize', update);
  const row = {
    step,
    ...(sampled && {
      ...{ ...rewardsOf(sampled.reward), ...samplingOf(sampled.shards) },
      logProbDifferenceMax: update.logProbDifferenceMax,
    }),
    ...comparisonsOf(update),
    loss: update.loss,
    gradientNorm: update.gradientNorm,
    learningRate: update.learningRate,
    cachedCount: made.filter(({ cached }) => cached).length,
  };
  tracker.stepped(step + 1, row, sampled?.reward.byTask ?? []);
}

function rewardsOf({ rewardMean, accuracyMean, formatRate, informativeGroupRate, partMeans }: RewardResult) {
  return { reward: rewardMean, accuracy: accuracyMean, formatRate, informativeGroupRate, ...partMeans };
}

/** With the reference, with the policy that sampled, and between the completions of pairs; as far as they are made. */
function comparisonsOf({ klMean, samplerKlMean, ratio, pairs }: OptimizeResult) {
  return {
    ...(samplerKlMean !== undefined && { samplerKlMean }),
    ...(klMean !== undefined && { klMean }),
    ...(ratio && { clippedShare: ratio.clippedShare }),
    ...(pairs?.margin !== undefined && { pairMargin: pairs.margin }),
  };
}

/** Over all shards of a step: entropy by token, length by completion, tokens by compute time. */
function samplingOf(shards: readonly RolloutResult[]) {
  const sum = (of: (shard: RolloutResult) => number): number => shards.reduce((total, one) => total + of(one), 0);
  const tokenCount = sum((shard) => shard.tokenCount);
  const computeMs = sum((shard) => shard.computeMs);
  return {
    entropy: sum((shard) => shard.entropyMean * shard.tokenCount) / Math.max(1, tokenCount),
    completionTokenCount: tokenCount / sum(({ rolloutCount }) => rolloutCount),
    ...(computeMs > 0 && { rolloutTokensPerSecond: (1000 * tokenCount) / computeMs }),
  };
}

/** One step of a run, as activities: from a policy, a plan and a step number to the next policy. */
import type {
  ArmPlan,
  PolicyState,
  RewardResult,
  RolloutResult,
  RunRef,
  SampledStep,
} from '../../contract/activities.ts';
import type { OptimizeInput, OptimizeResult } from '../../contract/optimize.ts';
import type { SharedRun } from '../../contract/fork.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { compute, control } from '../activity-options.ts';
import { onPool } from '../pools.ts';
import type { RunBudget } from './run-budget.ts';
import type { PolicyHolder } from './policy-holder.ts';
import type { RolloutsAhead } from './rollouts-ahead.ts';
import type { RunCeilings } from './run-ceilings.ts';
import type { RunGuards } from './run-guards.ts';
import type { RunTracker } from './run-tracker.ts';
import type { StepRow } from '../../contract/progress.ts';
import type { RunInput } from '../../contract/workflows.ts';

type Resampling = NonNullable<ArmPlan['resampling']>;

export interface StepContext {
  readonly input: RunInput;
  readonly planRef: ArtifactRef;
  readonly tracker: RunTracker;
  readonly budget: RunBudget;
  /** Only if the arm samples ahead. */
  readonly ahead?: {
    readonly rollouts: RolloutsAhead;
    /** Whether the step after this one is known, so that it can be sampled now. */
    readonly isNextPlanned: boolean;
  };
  readonly guards: RunGuards;
  readonly ceilings: RunCeilings;
  readonly holder: PolicyHolder;
}

export interface RolloutStep {
  readonly update: OptimizeResult;
  readonly rewards: ArtifactRef;
}

/** Sampled rollouts -> optimize. If the arm samples ahead, the next step's are sampled by the same policy meanwhile. */
export async function rolloutStep(context: StepContext, step: number, policy: PolicyState): Promise<RolloutStep> {
  const { ahead, input, tracker } = context;
  if (input.plan.stepInOneActivity) return stepAtOnce(context, step, policy);
  const phase = (what: string): void => {
    tracker.phase(`step ${String(step)}: ${what}`);
  };
  // A budget that changes in the middle of the step applies to the next one.
  const runRef = runRefOf(context);
  const early = await ahead?.rollouts.take();
  const sampled = early ?? (await sampledStep(context, step, policy, phase));
  // Scheduled before the update: an engine that does both has the policy of both before it, and not after it.
  if (ahead?.isNextPlanned) ahead.rollouts.start(() => sampledStep(context, step + 1, policy));
  phase(ahead?.isNextPlanned ? 'update, and rollouts of the next step' : 'update');
  const stale = ahead ? { stalenessStepCount: early ? 1 : 0 } : {};
  return updated(context, { ...runRef, step, policy }, sampled, stale);
}

/** rollout shards -> reward, again while too few groups are informative and rounds are left. */
async function sampledStep(
  context: StepContext,
  step: number,
  policy: PolicyState,
  phase: (what: string) => void = () => undefined,
): Promise<SampledStep> {
  const { resampling } = context.input.plan;
  const runRef = runRefOf(context);
  let shards: readonly RolloutResult[] = [];
  let reward: RewardResult;
  const rewarded: RewardResult[] = [];
  let round = 0;
  do {
    phase('rollouts');
    shards = [...shards, ...(await rollouts(context, step, policy, round))];
    phase('rewards');
    reward = await control.reward.executeWithOptions({ summary: `step ${String(step)} · rewards` }, [
      { ...runRef, step, rollouts: shards.map((shard) => shard.rollouts) },
    ]);
    rewarded.push(reward);
    round++;
  } while (resampling && round < resampling.roundCountMax && isTooUniform(reward, resampling));
  return { shards, rewarded };
}

async function updated(
  context: StepContext,
  { step, ...run }: RunRef & { readonly step: number; readonly policy: PolicyState },
  { shards, rewarded }: SampledStep,
  stale: Pick<StepRow, 'stalenessStepCount'>,
): Promise<RolloutStep> {
  const { input, planRef, tracker } = context;
  const reward = rewarded.at(-1);
  if (!reward) throw new Error(`step ${String(step)} has no rewards`);
  const { rewards } = reward;
  const summary = `step ${String(step)} · update`;
  const update = await optimize(context, summary, {
    ...{ ...run, plan: planRef, fromStep: step, toStep: step + 1 },
    ...{ rollouts: shards.map((shard) => shard.rollouts), rewards },
    ...stale,
    ...referenceOf(input),
  });
  tracker.made('rollout', ...shards);
  tracker.made('reward', ...rewarded);
  track(context, step, [...shards, ...rewarded], update, { reward, shards, stale });
  return { update, rewards };
}

/** The step as one activity, whose result is that of its three parts. */
async function stepAtOnce(context: StepContext, step: number, policy: PolicyState): Promise<RolloutStep> {
  const { input, planRef, tracker, holder } = context;
  const summary = `step ${String(step)}: rollouts, rewards, update`;
  tracker.phase(summary);
  const asked = { ...runRefOf(context), plan: planRef, step, policy, ...referenceOf(input) };
  const { rollout, reward, update, endedAtMs } = await holder.run(
    (options) => compute.step.executeWithOptions(options, [asked]),
    { summary, ...onPool(input.plan.pools?.training) },
  );
  tracker.alsoMade('rollout', rollout);
  tracker.alsoMade('reward', reward);
  const ended = { ...update, ...(endedAtMs !== undefined && { endedAtMs }) };
  track(context, step, [rollout, reward], ended, { reward, shards: [rollout] });
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
  const update = await optimize(context, summary, {
    ...runRefOf(context),
    plan: planRef,
    fromStep: step,
    toStep,
    policy,
  });
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
  const update = await optimize(context, summary, {
    ...{ ...runRefOf(context), plan: planRef, fromStep: step, toStep },
    ...{ policy, recorded: record },
  });
  track(context, toStep - 1, [], update);
  return update;
}

function optimize({ input, holder }: StepContext, summary: string, asked: OptimizeInput): Promise<OptimizeResult> {
  const options = { summary, ...onPool(input.plan.pools?.training) };
  return holder.run((where) => compute.optimize.executeWithOptions(where, [asked]), options);
}

export function runRefOf(context: Omit<StepContext, 'planRef'>): RunRef {
  const { input, budget, guards, ceilings } = context;
  const { recipe, dataset, plan } = input;
  const { stepCount } = budget;
  const { rewindCount } = guards;
  return {
    ...{ recipe, dataset, arm: plan.arm, seed: plan.seed },
    ...(stepCount !== plan.stepCount && { stepCount }),
    ...(rewindCount > 0 && { rewindCount }),
    ...ceilings.asked,
  };
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
  { tracker, ceilings }: StepContext,
  step: number,
  before: readonly (RolloutResult | RewardResult)[],
  update: OptimizeResult,
  sampled?: {
    readonly reward: RewardResult;
    readonly shards: readonly RolloutResult[];
    readonly stale?: Pick<StepRow, 'stalenessStepCount'>;
  },
): void {
  const made = [...before, update];
  const { endedAtMs, record } = update;
  const stored = [record, ...(sampled ? [sampled.reward.rewards, ...sampled.shards.map((one) => one.rollouts)] : [])];
  const byteLength = stored.reduce((sum, ref) => sum + ref.byteLength, 0);
  ceilings.took({ byteLength, ...(endedAtMs !== undefined && { endedAtMs }) });
  tracker.made('optimize', update);
  const row = {
    step,
    ...(sampled && {
      ...{ ...rewardsOf(sampled.reward), ...samplingOf(sampled.shards), ...sampled.stale },
      logProbDifferenceMax: update.logProbDifferenceMax,
    }),
    ...comparisonsOf(update),
    loss: update.loss,
    gradientNorm: update.gradientNorm,
    learningRate: update.learningRate,
    ...(update.bad && { bad: update.bad }),
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

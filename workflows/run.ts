/**
 * One run: an arm's training with one seed, from its initial policy to its last snapshot.
 * Between snapshots the policy is (snapshot, step records since): the records are durable as soon as a step is, so a
 * crash costs one activity. Long runs continue as new, carrying what `RunCarry` says.
 */
import { condition, continueAsNew, setHandler, workflowInfo } from '@temporalio/workflow';
import type { MixSegment, PolicyState, SnapshotResult } from '../activities/contract.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import { compute, control } from './activity-options.ts';
import { endedBadly } from './failure.ts';
import { cacheOf, computeMsOf, pauseSignal, resumeSignal, runProgressQuery } from './progress.ts';
import { grpoStep, runRefOf, sftSteps, type StepContext } from './run-steps.ts';
import { RunTracker } from './run-tracker.ts';
import type { RunInput, RunResult } from './types.ts';

/** The server suggests continue-as-new at 4,096 events; a step with its snapshot stays far below the difference. */
const historyLengthMax = 2_500;

export async function run(input: RunInput): Promise<RunResult> {
  const { plan } = input;
  const tracker = new RunTracker(input);
  let paused = input.carried?.paused ?? false;
  setHandler(runProgressQuery, () => tracker.progress());
  setHandler(pauseSignal, () => {
    paused = true;
  });
  setHandler(resumeSignal, () => {
    paused = false;
  });

  let step = input.carried?.step ?? 0;
  let policy = input.carried?.policy ?? input.initial.policy;
  try {
    if (plan.objective === 'none') return resultOf(input, tracker, policy);
    if (!input.carried) tracker.tell();
    let planRef = input.carried?.planRef ?? (await mix(input, tracker));
    let rewards = input.carried?.rewards ?? [];
    while (step < plan.stepCount) {
      if (paused) {
        tracker.state('paused', `before step ${String(step)}`);
        await condition(() => !paused);
        tracker.state('training', 'going on');
      }
      if (isHistoryLong()) {
        const carried = { ...tracker.totals, planRef, step, policy, paused, ...(rewards.length > 0 && { rewards }) };
        await continueAsNew<typeof run>({ ...input, carried });
      }
      if (plan.replanEveryStepCount !== undefined && rewards.length === plan.replanEveryStepCount) {
        planRef = await mix(input, tracker, { fromStep: step, previous: planRef, rewards });
        rewards = [];
      }
      const advanced = await advance({ input, tracker, planRef }, step, policy);
      ({ step, policy } = advanced);
      if (plan.replanEveryStepCount !== undefined && advanced.rewards) rewards = [...rewards, advanced.rewards];
    }
    tracker.state('done', 'done');
    return resultOf(input, tracker, policy);
  } catch (error) {
    throw endedBadly(error, `${plan.runName}, step ${String(step)}`);
  }
}

async function mix(input: RunInput, tracker: RunTracker, segment?: MixSegment) {
  tracker.phase('mixing');
  const from = segment ? ` from step ${String(segment.fromStep)}` : '';
  const mixture = await control.mix.executeWithOptions({ summary: `mixture of ${input.plan.arm}${from}` }, [
    { ...runRefOf(input), ...(segment && { segment }) },
  ]);
  tracker.made('mix', mixture);
  return mixture.plan;
}

interface Advanced {
  readonly step: number;
  readonly policy: PolicyState;
  /** Of a GRPO step. */
  readonly rewards?: ArtifactRef;
}

/** One activity's worth of steps, and a snapshot where one is due. */
async function advance(context: StepContext, step: number, policy: PolicyState): Promise<Advanced> {
  const { plan } = context.input;
  const snapshotStep = Math.min(plan.stepCount, nextMultiple(step, plan.snapshotEveryStepCount));
  const toStep = plan.objective === 'sft' ? Math.min(snapshotStep, step + plan.stepCountPerActivity) : step + 1;
  const { update, rewards } =
    plan.objective === 'sft'
      ? { update: await sftSteps(context, step, toStep, policy) }
      : await grpoStep(context, step, policy);
  const taught = rewards && { rewards };
  const updated = { snapshot: policy.snapshot, log: [...policy.log, update.record] };
  if (toStep < snapshotStep) return { step: toStep, policy: updated, ...taught };
  const { snapshot } = await takeSnapshot(context, toStep, updated);
  return { step: toStep, policy: { snapshot, log: [] }, ...taught };
}

async function takeSnapshot({ tracker }: StepContext, step: number, policy: PolicyState): Promise<SnapshotResult> {
  tracker.phase(`snapshot after ${String(step)} steps`);
  const summary = `snapshot after ${String(step)} steps`;
  const snapshot = await compute.snapshot.executeWithOptions({ summary }, [{ policy, step }]);
  tracker.made('snapshot', snapshot);
  tracker.snapshotted(snapshot.checkpoint);
  return snapshot;
}

function resultOf({ plan }: RunInput, tracker: RunTracker, policy: PolicyState): RunResult {
  const { startedAtMs, stages, checkpoint, rows } = tracker.totals;
  const last = rows.at(-1);
  const wallMs = Date.now() - startedAtMs;
  const summary = { plan, checkpoint, policy, wallMs, computeMs: computeMsOf(stages), stages };
  return { summary, cache: cacheOf(stages), ...(last && { last }) };
}

/** The least multiple of `period` above `step`. */
function nextMultiple(step: number, period: number): number {
  return (Math.floor(step / period) + 1) * period;
}

function isHistoryLong(): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || historyLength > historyLengthMax;
}

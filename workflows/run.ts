/**
 * One run: trains an arm with one seed, from its initial policy to its last snapshot.
 * Between snapshots the policy is (snapshot, step records since). A step's record is durable as soon as the step is
 * done, so a crash costs one activity. Long runs continue as new with the state in `RunCarry`.
 */
import { allHandlersFinished, condition, continueAsNew, setHandler } from '@temporalio/workflow';
import type { MixSegment, PolicyState, RunSummary } from '../contract/activities.ts';
import type { SnapshotResult } from '../contract/snapshots.ts';
import type { ArtifactRef } from '../artifacts/ref.ts';
import { bulk, compute } from './activity-options.ts';
import { onPool } from './pools.ts';
import { endedBadly } from './failure.ts';
import { cacheOf, computeMsOf, pauseSignal, resumeSignal, runProgressQuery } from './progress.ts';
import { isTrained, samplesRollouts } from './training/plan-work.ts';
import { PolicyHolder } from './training/policy-holder.ts';
import { RolloutsAhead } from './training/rollouts-ahead.ts';
import { RunBudget } from './training/run-budget.ts';
import { RunCeilings } from './training/run-ceilings.ts';
import { RunGuards } from './training/run-guards.ts';
import { recordedSteps, rolloutStep, runRefOf, type StepContext, updateSteps } from './training/run-steps.ts';
import { findRun, keepRun } from './training/kept-run.ts';
import { RunTracker } from './training/run-tracker.ts';
import { hasReachedPlateau, isValidationDue, selectionOf, validate } from './training/validation.ts';
import type { GoodSnapshot, RunInput, RunMixture, RunResult } from '../contract/workflows.ts';

/**
 * Maximum number of activities and messages before the run continues as new. Each is at most six events, with the
 * workflow task that follows it: the history stays near 2,000 of the 51,200 events that Temporal allows. The workflow
 * counts them itself, because the length of the history differs between a run and its replay.
 */
const workCountMax = 330;

/** Maximum step records between two snapshots, whatever the recipe says: every activity's input carries their refs. */
const logLengthMax = 128;

export async function run(input: RunInput): Promise<RunResult> {
  const { plan, shared } = input;
  const begun = input.carried ?? shared;
  let step = begun?.step ?? 0;
  // The shared steps of a fork count as done.
  const takenUpToStep = input.carried ? step : (shared?.cut?.toStep ?? step);
  const ceilings = new RunCeilings(plan.ceilings, input.carried?.taken);
  const stop = ceilings.stopOf(plan.stepCount);
  const budget = new RunBudget(input.carried?.budget ?? { stepCount: plan.stepCount, ...stop }, takenUpToStep);
  const guards = new RunGuards(plan.guards, input.carried?.guards);
  const tracker = new RunTracker(input, budget, guards);
  let paused = input.carried?.paused ?? false;
  let signalCount = 0;
  setHandler(runProgressQuery, () => tracker.progress());
  setHandler(pauseSignal, () => {
    paused = true;
    signalCount++;
  });
  setHandler(resumeSignal, () => {
    paused = false;
    signalCount++;
  });
  const budgetChanged = (): boolean => input.carried?.budgetChanged === true || budget.updateCount > 0;
  /** False for a fork: the run's key does not cover the steps that it shares. */
  const isWhole = shared === undefined;
  /** Results and messages of the current execution. */
  const workCount = (): number => tracker.resultCount + signalCount + budget.updateCount;

  const ahead = new RolloutsAhead(input.carried?.ahead);
  let policy = begun?.policy ?? input.initial.policy;
  try {
    const isShared = !input.carried && shared !== undefined;
    if (!isTrained(plan) || (isShared && step >= plan.stepCount && !plan.validation)) {
      tracker.state('done', 'done');
      return resultOf(input, tracker, policy, step, shared?.mixture && { mixture: shared.mixture });
    }
    if (!input.carried) tracker.tell();
    const kept = isWhole && !input.carried && !stop ? await findRun(input) : null;
    // The budget may have changed during the lookup.
    if (kept && !budgetChanged()) {
      tracker.found(kept);
      tracker.state('done', 'found as it was made before');
      return {
        ...resultOf(input, tracker, kept.policy, kept.selection?.last.step ?? plan.stepCount, {
          ...{ mixture: kept.mixture, kept: kept.manifest },
          ...(kept.selection && { selection: kept.selection }),
          ...(kept.incidents && { incidents: kept.incidents }),
        }),
        ...(kept.rewardLine !== undefined && { rewardLine: kept.rewardLine }),
      };
    }
    const holder = new PolicyHolder(input.carried?.heldBy);
    const context = { input, tracker, budget, guards, ceilings, holder };
    let mixture = input.carried?.mixture ?? (await mix(context, shared?.segment));
    if (isShared && shared.cut) {
      const update = await recordedSteps({ ...context, planRef: mixture.plan }, shared, policy);
      step = shared.cut.toStep;
      policy = { snapshot: policy.snapshot, log: [...policy.log, update.record] };
    }
    while (step < budget.endStep || policy.log.length > 0 || isValidationDue(context, step, policy)) {
      if (isValidationDue(context, step, policy)) {
        await validate(context, step, policy);
        continue;
      }
      if (hasReachedPlateau(context)) break;
      if (policy.log.length === 0) guards.reached({ step, policy, mixture, ...tracker.place });
      if (step >= budget.endStep) {
        // An operator may end the run between two snapshots, and may extend it again while this one is made.
        policy = { snapshot: (await takeSnapshot(context, step, policy)).snapshot, log: [] };
        continue;
      }
      if (workCount() >= workCountMax) {
        const sampled = await ahead.take();
        await condition(allHandlersFinished);
        const carried = {
          ...{ ...tracker.totals, mixture, step, policy, paused, budget: budget.carried },
          ...(sampled && { ahead: sampled }),
          ...(budgetChanged() && { budgetChanged: true }),
          ...{ ...guards.carried, ...ceilings.carried, ...holder.carried },
        };
        await continueAsNew<typeof run>({ ...input, carried });
      }
      if (paused) {
        tracker.state('paused', `before step ${String(step)}`);
        await condition(() => !paused || step >= budget.endStep);
        tracker.state('training', 'going on');
        continue;
      }
      const planned = await mixtureFor(step, mixture, context);
      if (planned !== mixture) {
        // The budget may have changed, or the run may have been paused, while the mixture was planned.
        mixture = planned;
        continue;
      }
      const isNextPlanned = isPlanned(step + 1, mixture, context);
      const advanced = await advance(
        {
          ...{ ...context, planRef: mixture.plan },
          ...(plan.samplesAhead && { ahead: { rollouts: ahead, isNextPlanned } }),
        },
        step,
        policy,
      );
      if ('goBackTo' in advanced) {
        const { goBackTo } = advanced;
        await ahead.drop();
        ({ step, policy } = goBackTo);
        budget.taking(step);
        tracker.rewound(goBackTo);
        mixture = await mix(context, segmentAfter(goBackTo, input));
        continue;
      }
      ({ step, policy } = advanced);
      if (ceilings.isUsedUp && step < budget.endStep) budget.end(step);
      if (plan.replanEveryStepCount !== undefined && advanced.rewards)
        mixture = { ...mixture, rewards: [...mixture.rewards, advanced.rewards] };
    }
    // Sampled for a step that an operator or the plateau rule has taken away.
    await ahead.drop();
    const selection = selectionOf(context, step, policy);
    policy = await ended(input, tracker, policy);
    const ceiling = hasReachedPlateau(context) ? undefined : ceilings.reached(step, budget.stepCount);
    tracker.ended(ceiling);
    const isAsPlanned = isWhole && !budgetChanged() && !ceiling;
    const manifest = isAsPlanned ? await keepRun(input, tracker.outcome(policy, mixture.plan, selection)) : undefined;
    tracker.state('done', ceiling ? `ended at its ceiling, ${ceiling.ceiling}` : 'done');
    return resultOf(input, tracker, policy, step, {
      mixture: mixture.plan,
      ...(ceiling && { ceiling }),
      ...(selection && { selection }),
      ...(manifest && { kept: manifest }),
      ...guards.incidents,
    });
  } catch (error) {
    throw endedBadly(error, `${plan.runName}, step ${String(step)}`);
  }
}

type MixContext = Omit<StepContext, 'planRef'>;

/** The current mixture, or a new one once a curriculum's segment is complete or the run is longer than planned. */
async function mixtureFor(step: number, mixture: RunMixture, context: MixContext): Promise<RunMixture> {
  const { replanEveryStepCount } = context.input.plan;
  if (replanEveryStepCount !== undefined) {
    const { plan: previous, plannedStepCount, rewards } = mixture;
    const isDue = rewards.length === replanEveryStepCount || step >= plannedStepCount;
    return isDue ? mix(context, { fromStep: step, previous, rewards }) : mixture;
  }
  return context.budget.stepCount > mixture.plannedStepCount ? mix(context) : mixture;
}

/** Whether the current mixture says what the step after the current one sees, and the run is to make that step. */
function isPlanned(step: number, { plannedStepCount, rewards }: RunMixture, { input, budget }: MixContext): boolean {
  const { replanEveryStepCount } = input.plan;
  const isInSegment = replanEveryStepCount === undefined || rewards.length + 1 < replanEveryStepCount;
  return isInSegment && step < Math.min(plannedStepCount, budget.endStep);
}

/** The segment of a curriculum that begins where the run goes back to; undefined for a mixture of the whole run. */
function segmentAfter({ step, mixture }: GoodSnapshot, { plan }: RunInput): MixSegment | undefined {
  if (plan.replanEveryStepCount === undefined || step === 0) return undefined;
  return { fromStep: step, previous: mixture.plan, rewards: mixture.rewards };
}

async function mix(context: MixContext, segment?: MixSegment): Promise<RunMixture> {
  const { input, tracker, budget } = context;
  tracker.phase('mixing');
  const from = segment ? ` from step ${String(segment.fromStep)}` : '';
  const plannedStepCount = budget.stepCount;
  const made = await bulk.mix.executeWithOptions({ summary: `mixture of ${input.plan.arm}${from}` }, [
    { ...runRefOf(context), ...(segment && { segment }) },
  ]);
  tracker.made('mix', made);
  context.ceilings.took(made);
  return { plan: made.plan, plannedStepCount, rewards: [] };
}

interface Advanced {
  readonly step: number;
  readonly policy: PolicyState;
  /** The rewards of a step with rollouts. */
  readonly rewards?: ArtifactRef;
}

/** Numbers of a step were bad, and the run goes on from an earlier snapshot. */
interface Rewound {
  readonly goBackTo: GoodSnapshot;
}

/** The steps of one update activity, and a snapshot if one is due. */
async function advance(context: StepContext, step: number, policy: PolicyState): Promise<Advanced | Rewound> {
  const { input, budget, guards } = context;
  const { plan } = input;
  const snapshotStep = Math.min(
    budget.endStep,
    nextMultiple(step, plan.snapshotEveryStepCount),
    ...(plan.validation ? [nextMultiple(step, plan.validation.everyStepCount)] : []),
  );
  const withRollouts = samplesRollouts(plan);
  const toStep = withRollouts ? step + 1 : Math.min(snapshotStep, step + plan.stepCountPerActivity);
  budget.taking(toStep);
  const made = withRollouts
    ? rolloutStep(context, step, policy)
    : updateSteps(context, step, toStep, policy).then((update) => ({ update, rewards: undefined }));
  const done = await made.catch((error: unknown) => ({ goBackTo: guards.failed(error, step) }));
  if ('goBackTo' in done) return done;
  const { update, rewards } = done;
  const goBackTo = guards.stepped(update.bad);
  if (goBackTo) return { goBackTo };
  const taught = rewards && { rewards };
  const updated = { snapshot: policy.snapshot, log: [...policy.log, update.record] };
  if (toStep < snapshotStep && updated.log.length < logLengthMax) return { step: toStep, policy: updated, ...taught };
  const { snapshot } = await takeSnapshot(context, toStep, updated);
  return { step: toStep, policy: { snapshot, log: [] }, ...taught };
}

/** The policy with which a trained run ends: its last, the one selected by validation, or the mean of its last ones. */
async function ended({ plan }: RunInput, tracker: RunTracker, policy: PolicyState): Promise<PolicyState> {
  if (tracker.selection !== undefined) {
    const { snapshot, checkpoint } = tracker.selection.best;
    tracker.snapshotted(checkpoint);
    return { snapshot, log: [] };
  }
  const { averagedSnapshotCount: count } = plan;
  if (count === undefined) return policy;
  const summary = `mean of the last ${String(count)} snapshots`;
  tracker.phase(summary);
  const options = { summary, ...onPool(plan.pools?.training) };
  const mean = await compute.averageSnapshots.executeWithOptions(options, [{ policy, count }]);
  tracker.made('averageSnapshots', mean);
  tracker.snapshotted(mean.checkpoint);
  return { snapshot: mean.snapshot, log: [] };
}

async function takeSnapshot(
  { input, tracker, ceilings, holder }: MixContext,
  step: number,
  policy: PolicyState,
): Promise<SnapshotResult> {
  tracker.phase(`snapshot after ${String(step)} steps`);
  const summary = `snapshot after ${String(step)} steps`;
  const snapshot = await holder.run((options) => compute.snapshot.executeWithOptions(options, [{ policy, step }]), {
    summary,
    ...onPool(input.plan.pools?.training),
  });
  tracker.made('snapshot', snapshot);
  ceilings.took({ byteLength: snapshot.byteLength ?? 0 });
  tracker.snapshotted(snapshot.checkpoint);
  return snapshot;
}

/** `stepCount`: number of steps that were done. */
function resultOf(
  input: RunInput,
  tracker: RunTracker,
  policy: PolicyState,
  stepCount: number,
  made: Pick<RunSummary, 'mixture' | 'selection' | 'kept' | 'incidents' | 'ceiling'> = {},
): RunResult {
  const { stages, checkpoint, rows } = tracker.totals;
  const last = rows.at(-1);
  const { wallMs } = tracker;
  const plan = { ...input.plan, stepCount };
  const summary = {
    plan,
    checkpoint,
    policy,
    wallMs,
    computeMs: computeMsOf(stages),
    stages,
    ...made,
  };
  return { summary, cache: cacheOf(stages), ...(last && { last }), ...tracker.rewardLine };
}

/** The smallest multiple of `period` greater than `step`. */
function nextMultiple(step: number, period: number): number {
  return (Math.floor(step / period) + 1) * period;
}

/**
 * Temporal events of the workflows of an experiment, at most: activities whose results arrive together share a workflow
 * task, and retries add none. Counted from the commands of workflows/; test/cli/plan-events.test.ts compares them with
 * recorded histories.
 */
import type { ArmPlan } from '../../contract/activities.ts';
import type { ActivityCounts } from './run-work.ts';

/** Scheduled, started, completed. */
const taskEventCount = 3;
/** And the workflow task that its result causes. */
const activityEventCount = 2 * taskEventCount;
/** Started, and the first workflow task. */
const startEventCount = 1 + taskEventCount;
/** Initiated, started, completed, and a workflow task after the last two. */
const childEventCount = 3 + 2 * taskEventCount;
/** A marker, and the upsert that makes it searchable. */
const patchEventCount = 2;
/** Initiated, delivered, and a workflow task. */
const sentSignalEventCount = 2 + taskEventCount;
const receivedSignalEventCount = 1 + taskEventCount;

/** Results and messages after which a run continues as new (workflows/run.ts). */
const workCountMax = 330;
/** Progress signals of all runs of a wave, and of one run (workflows/experiment.ts). */
const waveTellCountMax = 2_000;
const runTellCountMax = 50;
/** Search attributes of a run (workflows/training/run-tracker.ts). */
const upsertCountMax = 1_000;
const upsertEveryStepCount = 10;

export interface RunEvents {
  /** Of the run and of its evaluation. */
  readonly own: number;
  /** In the history of the experiment. */
  readonly inExperiment: number;
}

/**
 * @param activities undefined for a run that trains nothing
 * @param waveRunCount runs that train at the same time
 */
export function runEvents(
  plan: ArmPlan,
  activities: ActivityCounts | undefined,
  { waveRunCount, evaluationCount }: { readonly waveRunCount: number; readonly evaluationCount: number },
): RunEvents {
  const tells = tellCount(plan, waveRunCount);
  const child = childEventCount + receivedSignalEventCount * tells;
  const source = plan.from === undefined ? 0 : activityEventCount;
  return {
    own: trainingEvents(plan, activities, tells) + evaluationEvents(evaluationCount),
    inExperiment: child + childEventCount + source,
  };
}

/** prepare, ingest, importPolicy, admit, pixelBaselines and report; six states; two patches. */
export function experimentEvents(): number {
  return startEventCount + 6 * activityEventCount + 6 + 2 * patchEventCount + 1;
}

function trainingEvents({ stepCount }: ArmPlan, activities: ActivityCounts | undefined, tells: number): number {
  // An upsert, a signal and the end, in the first workflow task.
  if (activities === undefined) return startEventCount + 1 + 2 + 1;
  const upsertEvery = Math.max(upsertEveryStepCount, Math.ceil(stepCount / upsertCountMax));
  // The last state is an upsert too.
  const upserts = 1 + Math.floor(stepCount / upsertEvery);
  const workCount = Object.values(activities).reduce((sum, count) => sum + count, 0);
  const executionCount = Math.ceil(workCount / workCountMax);
  const continued = executionCount - 1;
  return (
    executionCount * (startEventCount + patchEventCount) +
    continued +
    workCount * activityEventCount +
    tells * sentSignalEventCount +
    upserts +
    1
  );
}

/** When it starts, when it ends, and during training; an untrained run only when it ends. */
function tellCount({ stepCount, stepCountPerActivity }: ArmPlan, waveRunCount: number): number {
  if (stepCount === 0) return 1;
  const tellCountMax = Math.min(runTellCountMax, Math.floor(waveTellCountMax / waveRunCount));
  const every = Math.max(1, Math.ceil(stepCount / tellCountMax), stepCountPerActivity);
  return 2 + Math.ceil(stepCount / every);
}

/** One activity each, and the one that keeps their results. */
function evaluationEvents(evaluationCount: number): number {
  return startEventCount + (evaluationCount + 1) * activityEventCount + 1 + 1;
}

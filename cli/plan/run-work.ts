/** What one run does, counted from its plan: steps, prompts, tokens, and the activities that do them. */
import type { ArmPlan } from '../../contract/activities.ts';
import { trainingOf } from '../../pipeline/training/objectives/table.ts';
import { isRl } from '../../recipes/arms.ts';
import type { Recipe, TaskSpec, TrainedArm } from '../../recipes/recipe.ts';
import { trainedTasks } from '../../recipes/task-sets.ts';
import { kindOf } from '../../judge/kinds/table.ts';

/** How often each activity of a run is called. */
export type ActivityCounts = Readonly<
  Record<
    | ('findRun' | 'mix' | 'step' | 'rollout' | 'reward' | 'optimize')
    | ('evaluate' | 'snapshot' | 'averageSnapshots' | 'keepRun'),
    number
  >
>;

export interface RunWork {
  readonly stepCount: number;
  readonly updateCount: number;
  /** Prompts of all steps, in every order that is shown and in every round of sampling. */
  readonly promptCount: number;
  readonly rolloutCount: number;
  /** Longest, together. */
  readonly completionTokenCount: number;
  /** Factor on the tokens and operations of a step: rounds of dynamic sampling, and orders of candidates. */
  readonly stepFactor: number;
  /** Passes over the rollouts of a step: as often are their gradients computed. */
  readonly passCount: number;
  /** At its maximum: patience may end a run early. */
  readonly validationCount: number;
  readonly activities: ActivityCounts;
}

/** Maximum step records between two snapshots (workflows/run.ts). */
const logLengthMax = 128;

/** Counts are those of a run that finds nothing in the store; rounds of dynamic sampling are counted at their maximum. */
export function runWork(recipe: Recipe, arm: TrainedArm, plan: ArmPlan, completionTokenCount: number): RunWork {
  const { mixing, groupSize } = trainingOf(arm);
  const { stepCount } = plan;
  const isSampled = isRl(arm);
  const roundCount = plan.resampling?.roundCountMax ?? 1;
  const orderCount = isSampled ? shownOrderCount(recipe, arm) : 1;
  const [updateCount, passCount] = isSampled ? [arm.updateCount ?? 1, arm.epochCount ?? 1] : [1, 1];
  const validationCount = plan.validation === undefined ? 0 : Math.ceil(stepCount / plan.validation.everyStepCount);
  const promptCount = stepCount * mixing.exampleCountPerStep * orderCount * (isSampled ? roundCount : 1);
  return {
    ...{ stepCount, updateCount: stepCount * updateCount * passCount, promptCount, passCount, validationCount },
    rolloutCount: isSampled ? promptCount * groupSize : 0,
    completionTokenCount: promptCount * groupSize * completionTokenCount,
    stepFactor: orderCount * roundCount,
    activities: activityCounts(plan, { roundCount, validationCount, isSampled }),
  };
}

function activityCounts(
  plan: ArmPlan,
  {
    roundCount,
    validationCount,
    isSampled,
  }: { readonly roundCount: number; readonly validationCount: number; readonly isSampled: boolean },
): ActivityCounts {
  const { stepCount, replanEveryStepCount, rolloutShardCount, averagedSnapshotCount, stepInOneActivity } = plan;
  const { optimize, snapshot } = updatesAndSnapshots(plan);
  const isParted = isSampled && !stepInOneActivity;
  return {
    ...{ findRun: 1, keepRun: 1, snapshot },
    mix: replanEveryStepCount === undefined ? 1 : Math.ceil(stepCount / replanEveryStepCount),
    step: stepInOneActivity ? stepCount : 0,
    rollout: isParted ? stepCount * rolloutShardCount * roundCount : 0,
    reward: isParted ? stepCount * roundCount : 0,
    optimize: stepInOneActivity ? 0 : optimize,
    evaluate: validationCount * (plan.validation?.tasks.length ?? 0),
    averageSnapshots: averagedSnapshotCount === undefined ? 0 : 1,
  };
}

/** Updates end where a snapshot is due, or a validation, which needs one; a snapshot is also due when the log is full. */
function updatesAndSnapshots(plan: ArmPlan): Pick<ActivityCounts, 'optimize' | 'snapshot'> {
  const { stepCount, snapshotEveryStepCount, stepCountPerActivity, validation } = plan;
  const everyCounts = [snapshotEveryStepCount, ...(validation ? [validation.everyStepCount] : [])];
  const counts = { optimize: 0, snapshot: 0 };
  let logLength = 0;
  for (let step = 0; step < stepCount;) {
    const due = Math.min(stepCount, ...everyCounts.map((every) => (Math.floor(step / every) + 1) * every));
    step = Math.min(due, step + stepCountPerActivity);
    counts.optimize++;
    logLength++;
    if (step < due && logLength < logLengthMax) continue;
    counts.snapshot++;
    logLength = 0;
  }
  return counts;
}

/** The most orders in which a prompt is shown, if the arm rewards agreement between them. */
function shownOrderCount(recipe: Recipe, arm: TrainedArm): number {
  if (!isRl(arm) || arm.reward.consistencyWeight === 0) return 1;
  return Math.max(1, ...trainedTasks(recipe, arm).map((task) => orderCountOf(recipe.tasks[task])));
}

/** Orders in which an example is asked. Where their number varies, candidates are as many as the labels. */
export function orderCountOf(task: TaskSpec | undefined): number {
  if (task === undefined) return 1;
  const kind = kindOf(task);
  if (kind.candidateCount === undefined) return 1;
  const { min, max = Infinity } = kind.candidateCount;
  return kind.orders(Math.min(max, Math.max(min, task.labels.length))).length;
}

/** The runs and evaluations that a recipe defines. */
import { isRl, isTrained } from '../../recipes/arms.ts';
import type { Arm, Recipe, TrainedArm } from '../../recipes/recipe.ts';
import type { ValidationSpec } from '../../recipes/fields/validation-fields.ts';
import { evaluatedTasks, trainedTasks } from '../../recipes/task-sets.ts';
import type { ArmPlan, EvaluationPlan } from '../../contract/activities.ts';
import type { ValidationPlan } from '../../contract/validation.ts';
import { armOf, taskOf } from '../recipe-access.ts';
import { guardPlanOf } from './guard-plan.ts';
import { trainingOf } from './objectives/table.ts';
import { lossOf } from './updates/table.ts';

/** Runs in the recipe's order of arms, then of seeds. An arm without training has one run, whatever the seeds. */
export function planRuns(recipe: Recipe): ArmPlan[] {
  return Object.entries(recipe.arms).flatMap(([name, arm]) =>
    seedsOf(recipe, arm).map((seed): ArmPlan => {
      const from = arm.from === undefined ? undefined : runNameFor(recipe, arm.from, seed);
      const runName = `${name}/s${String(seed)}`;
      const common = { arm: name, mode: arm.mode, seed, runName, ...(from !== undefined && { from }) };
      return { ...common, ...stepsOf(recipe, arm), ...poolsOf(recipe), ...evaluatedOn(recipe, arm) };
    }),
  );
}

export function planEvaluations(recipe: Recipe): EvaluationPlan[] {
  const { split } = recipe.evaluation;
  return evaluatedTasks(recipe).map((task) => ({ task, split, ood: taskOf(recipe, task).ood }));
}

/** A specialist is asked about its own task and about those that no arm trains on; another arm about all. */
function evaluatedOn(recipe: Recipe, arm: Arm): Pick<ArmPlan, 'evaluatedTasks'> {
  if (arm.specialistOf === undefined) return {};
  const own = trainedTasks(recipe, arm);
  return { evaluatedTasks: evaluatedTasks(recipe).filter((task) => own.includes(task) || taskOf(recipe, task).ood) };
}

function seedsOf(recipe: Recipe, arm: Arm): readonly number[] {
  return isTrained(arm) ? recipe.seeds : recipe.seeds.slice(0, 1);
}

function runNameFor(recipe: Recipe, armName: string, seed: number): string {
  const seeds = seedsOf(recipe, armOf(recipe, armName));
  return `${armName}/s${String(seeds.includes(seed) ? seed : (seeds[0] ?? 0))}`;
}

function stepsOf(recipe: Recipe, arm: Arm): Omit<ArmPlan, 'arm' | 'mode' | 'seed' | 'runName' | 'from'> {
  const { objective } = arm;
  if (!isTrained(arm)) {
    const none = { stepCount: 0, stepCountPerActivity: 1, rolloutShardCount: 0, snapshotEveryStepCount: 1 };
    return { objective, ...none, usesReference: false };
  }
  const { stepCount, snapshotEveryStepCount, averagedSnapshotCount, validation, ceilings } = arm;
  const { plan } = trainingOf(arm);
  const averaged = averagedSnapshotCount !== undefined && { averagedSnapshotCount };
  return {
    objective,
    stepCount,
    snapshotEveryStepCount,
    ...averaged,
    ...(validation && { validation: validationOf(validation, trainedTasks(recipe, arm)) }),
    ...plan,
    ...(isStepOneActivity(recipe, arm) && { stepInOneActivity: true }),
    ...(samplesAhead(arm) && { samplesAhead: true }),
    usesReference: lossOf(arm).usesReference,
    ...guardPlanOf(arm),
    ...(ceilings && { ceilings }),
  };
}

/**
 * Whether one worker does a whole step without waiting for others. Not with several shards or pools, and not with an
 * external grader, for which an engine would wait. Rounds of dynamic sampling are decided by the workflow, and so is
 * which step is sampled while another one trains.
 */
function isStepOneActivity({ pools = {} }: Recipe, arm: TrainedArm): boolean {
  if (!isRl(arm) || arm.rolloutShardCount > 1 || arm.dynamicSampling !== undefined || samplesAhead(arm)) return false;
  return arm.reward.grader === undefined && pools.rollouts === pools.training;
}

function samplesAhead(arm: TrainedArm): boolean {
  return isRl(arm) && (arm.stalenessStepCountMax ?? 0) > 0;
}

function poolsOf({ pools }: Recipe): Pick<ArmPlan, 'pools'> {
  return pools === undefined ? {} : { pools };
}

function validationOf(
  { everyStepCount, split, metric, patience, improvementMin }: ValidationSpec,
  tasks: readonly string[],
): ValidationPlan {
  return { everyStepCount, split, tasks, metric, improvementMin, ...(patience !== undefined && { patience }) };
}

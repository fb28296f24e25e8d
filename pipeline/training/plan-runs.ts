/** Which runs and evaluations a recipe means. */
import type { Arm, GrpoArm, Recipe } from '../../recipes/recipe.ts';
import { evaluatedTasks } from '../../recipes/task-sets.ts';
import type { ArmPlan, EvaluationPlan } from '../../contract/activities.ts';
import { armOf, taskOf } from '../recipe-access.ts';

/** In the recipe's order of arms, then of seeds; an arm without training has one run, whatever the seeds. */
export function planRuns(recipe: Recipe): ArmPlan[] {
  return Object.entries(recipe.arms).flatMap(([name, arm]) =>
    seedsOf(recipe, arm).map((seed): ArmPlan => {
      const from = arm.from === undefined ? undefined : runNameFor(recipe, arm.from, seed);
      const runName = `${name}/s${String(seed)}`;
      const common = { arm: name, mode: arm.mode, seed, runName, ...(from !== undefined && { from }) };
      return { ...common, ...stepsOf(arm) };
    }),
  );
}

export function planEvaluations(recipe: Recipe): EvaluationPlan[] {
  const { split } = recipe.evaluation;
  return evaluatedTasks(recipe).map((task) => ({ task, split, ood: taskOf(recipe, task).ood }));
}

function seedsOf(recipe: Recipe, arm: Arm): readonly number[] {
  return arm.objective === 'none' ? recipe.seeds.slice(0, 1) : recipe.seeds;
}

function runNameFor(recipe: Recipe, armName: string, seed: number): string {
  const seeds = seedsOf(recipe, armOf(recipe, armName));
  return `${armName}/s${String(seeds.includes(seed) ? seed : (seeds[0] ?? 0))}`;
}

function grpoStepsOf({ rolloutShardCount, klCoefficient, curriculum, resampling }: GrpoArm) {
  return {
    rolloutShardCount,
    usesReference: klCoefficient > 0,
    ...(curriculum && { replanEveryStepCount: curriculum.replanEveryStepCount }),
    ...(resampling && { resampling }),
  };
}

function stepsOf(arm: Arm): Omit<ArmPlan, 'arm' | 'mode' | 'seed' | 'runName' | 'from'> {
  if (arm.objective === 'none') {
    const none = { stepCount: 0, stepCountPerActivity: 1, rolloutShardCount: 1, snapshotEveryStepCount: 1 };
    return { objective: 'none', ...none, usesReference: false };
  }
  const { objective, stepCount, snapshotEveryStepCount } = arm;
  return {
    objective,
    stepCount,
    snapshotEveryStepCount,
    stepCountPerActivity: arm.objective === 'sft' ? arm.stepCountPerActivity : 1,
    ...(arm.objective === 'grpo' ? grpoStepsOf(arm) : { rolloutShardCount: 1, usesReference: false }),
  };
}

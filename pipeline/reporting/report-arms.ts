/** The arms of a report: runs of all seeds together, specialists as one arm, points of sweeps apart. */
import { classLabels } from '../../judge/kinds/table.ts';
import { armDraws } from '../../judge/evaluation/arms/arm-outcomes.ts';
import { armScore, armTests, columnsOf } from '../../judge/evaluation/arms/arm-scores.ts';
import type { ReportArm, ReportData } from '../../judge/report/data.ts';
import type { EvaluatedRun } from '../../contract/activities.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import { isTrained } from '../../recipes/arms.ts';
import { evaluatedTasks, trainedTasks } from '../../recipes/task-sets.ts';
import { turn } from '../heartbeat.ts';
import { armOf, taskOf } from '../recipe-access.ts';
import type { OutcomesOf } from './report-tests.ts';

/** Name of the arm that a run is shown as a part of. */
function shownArmOf(recipe: Recipe, { plan }: EvaluatedRun): string {
  return armOf(recipe, plan.arm).specialistOf ?? plan.arm;
}

/** Whether a run is an arm of its own in the table, not a specialist and not a point of a sweep. */
export function isOwnRow(recipe: Recipe, { plan }: EvaluatedRun): boolean {
  const { specialistOf, varied } = armOf(recipe, plan.arm);
  return specialistOf === undefined && varied === undefined;
}

/** Scores of every arm, and tests between every two arms of the table; points of a sweep have scores alone. */
export async function reportArms(
  recipe: Recipe,
  runs: readonly EvaluatedRun[],
  outcomesOf: OutcomesOf,
): Promise<Pick<ReportData, 'arms' | 'armTests'>> {
  const { bootstrapResampleCount: resampleCount, seed } = recipe.evaluation;
  const tasks = evaluatedTasks(recipe);
  const labels = Object.fromEntries(tasks.map((task) => [task, classLabels(taskOf(recipe, task))]));
  const seen = tasks.filter((task) => !taskOf(recipe, task).ood);
  const arms: ReportArm[] = [];
  const compared: Parameters<typeof armTests>[0][] = [];
  const tests: ReportData['armTests'][number][] = [];
  for (const arm of new Set(runs.map((run) => shownArmOf(recipe, run)))) {
    const own = runs.filter((run) => shownArmOf(recipe, run) === arm);
    const read = await Promise.all(own.map(async (run) => ({ seed: run.plan.seed, outcomes: await outcomesOf(run) })));
    const draws = await armDraws(read, { labels, resampleCount, seed }, turn);
    const columns = columnsOf(draws, seen);
    const scores = Object.fromEntries([...columns].map(([column, values]) => [column, armScore(values, seed)]));
    const described = describedArm(recipe, arm, own);
    arms.push({ ...described, seedCount: draws.seeds.length, scores });
    if (described.varied !== undefined) continue;
    const row = { arm, seeds: draws.seeds, columns };
    for (const other of compared) {
      tests.push(...armTests(row, other, seed));
      await turn();
    }
    compared.push(row);
  }
  return { arms, armTests: tests };
}

function describedArm(recipe: Recipe, name: string, runs: readonly EvaluatedRun[]) {
  const [first] = runs;
  const arm = armOf(recipe, first?.plan.arm ?? name);
  const { objective, mode, specialistOf, varied } = arm;
  const runNames = runs.map(({ plan }) => plan.runName);
  const isSingle = specialistOf !== undefined;
  const trainedTaskCount = isTrained(arm) ? trainedTasks(recipe, arm).length : 0;
  return { ...{ arm: name, objective, mode, runNames, isSingle, trainedTaskCount }, ...(varied && { varied }) };
}

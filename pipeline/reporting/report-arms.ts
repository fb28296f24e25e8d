/** The arms of a report: runs of all seeds together, specialists as one arm, points of sweeps apart. */
import { classLabels } from '../../judge/kinds/table.ts';
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { armDraws } from '../../judge/evaluation/arms/arm-outcomes.ts';
import { armScore, armTests, columnsOf } from '../../judge/evaluation/arms/arm-scores.ts';
import type { ReportArm, ReportData } from '../../judge/report/data.ts';
import type { EvaluatedRun } from '../../contract/activities.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import { isTrained } from '../../recipes/arms.ts';
import { evaluatedTasks, trainedTasks } from '../../recipes/task-sets.ts';
import { durable } from '../durable.ts';
import { turn } from '../heartbeat.ts';
import { armOf, taskOf } from '../recipe-access.ts';
import { judgmentsOf, type OutcomesOf, type Scope } from './report-tests.ts';

/** Name of the arm that a run is shown as a part of. */
function shownArmOf(recipe: Recipe, { plan }: EvaluatedRun): string {
  return armOf(recipe, plan.arm).specialistOf ?? plan.arm;
}

/** Whether a run is an arm of its own in the table, not a specialist and not a point of a sweep. */
export function isOwnRow(recipe: Recipe, { plan }: EvaluatedRun): boolean {
  const { specialistOf, varied } = armOf(recipe, plan.arm);
  return specialistOf === undefined && varied === undefined;
}

interface ComparedArms extends Pick<ReportData, 'arms' | 'armTests'> {
  /** Manifests of each arm's scores and of each pair's tests. */
  readonly comparisons: readonly ArtifactRef[];
}

/**
 * Scores of every arm, and tests between every two arms of the table; points of a sweep have scores alone. Each is kept
 * under a key of its own, as the tests between runs are.
 */
export async function reportArms(
  { deps, recipe, dataset }: Scope,
  runs: readonly EvaluatedRun[],
  outcomesOf: OutcomesOf,
): Promise<ComparedArms> {
  const settings = settingsOf(recipe);
  const comparisons: ArtifactRef[] = [];
  const kept = async <S>(compared: readonly ShownArm[], compute: () => Promise<S>): Promise<S> => {
    const judgments = compared.flatMap(({ own }) => own.flatMap(judgmentsOf));
    const config = { ...settings, arms: compared.map(({ arm, own }) => ({ arm, runs: own.map(askedOf) })) };
    const { summary, manifest } = await durable(deps, 'compareArms', { inputs: { dataset, judgments }, config }, () =>
      compute().then((made) => ({ outputs: {}, summary: made })),
    );
    comparisons.push(manifest);
    return summary;
  };
  const arms: ReportArm[] = [];
  const compared: ShownArm[] = [];
  const tests: ReportData['armTests'][number][] = [];
  for (const shown of shownArms(recipe, runs, settings, outcomesOf)) {
    const { arm, own } = shown;
    const scores = await kept([shown], async () => {
      const { columns } = await shown.drawn();
      return Object.fromEntries([...columns].map(([column, draws]) => [column, armScore(draws, settings.seed)]));
    });
    const described = describedArm(recipe, arm, own);
    arms.push({ ...described, seedCount: new Set(own.map(({ plan }) => plan.seed)).size, scores });
    if (described.varied !== undefined) continue;
    for (const other of compared) {
      const found = await kept([shown, other], async () => {
        const row = { arm, ...(await shown.drawn()) };
        return armTests(row, { arm: other.arm, ...(await other.drawn()) }, settings.seed);
      });
      tests.push(...found);
      await turn();
    }
    compared.push(shown);
  }
  return { arms, armTests: tests, comparisons };
}

function settingsOf(recipe: Recipe) {
  const { bootstrapResampleCount: resampleCount, seed } = recipe.evaluation;
  const tasks = evaluatedTasks(recipe);
  const labels = Object.fromEntries(tasks.map((task) => [task, classLabels(taskOf(recipe, task))]));
  return { labels, resampleCount, seed, seen: tasks.filter((task) => !taskOf(recipe, task).ood) };
}

interface ShownArm {
  readonly arm: string;
  readonly own: readonly EvaluatedRun[];
  /** Made once, and only where a result is new. */
  readonly drawn: () => Promise<{ readonly seeds: readonly number[]; readonly columns: ReturnType<typeof columnsOf> }>;
}

function shownArms(
  recipe: Recipe,
  runs: readonly EvaluatedRun[],
  { seen, ...settings }: ReturnType<typeof settingsOf>,
  outcomesOf: OutcomesOf,
): ShownArm[] {
  return [...new Set(runs.map((run) => shownArmOf(recipe, run)))].map((arm) => {
    const own = runs.filter((run) => shownArmOf(recipe, run) === arm);
    const draw = async () => {
      const read = await Promise.all(
        own.map(async (run) => ({ seed: run.plan.seed, outcomes: await outcomesOf(run) })),
      );
      const draws = await armDraws(read, settings, turn);
      return { seeds: draws.seeds, columns: columnsOf(draws, seen) };
    };
    let made: ReturnType<typeof draw> | undefined;
    return { arm, own, drawn: () => (made ??= draw()) };
  });
}

/** What a run was asked, by which its judgments are told apart from those of the arm's other runs. */
function askedOf({ plan, evaluations }: EvaluatedRun) {
  return { seed: plan.seed, tasks: evaluations.map(({ scores }) => scores.task) };
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

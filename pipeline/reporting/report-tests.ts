/**
 * The paired tests of a report. Each pair of runs is compared under a key of its own, so that a report that is written
 * again, or has one more run, resamples only what is new.
 */
import type { ArtifactRef } from '../../artifacts/ref.ts';
import {
  type OutcomesByTask,
  type PairedTest,
  pairedTests,
  type TaskTest,
  taskTests,
} from '../../judge/evaluation/paired-tests.ts';
import { classLabels } from '../../judge/kinds/table.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import type { EvaluatedRun } from '../../contract/activities.ts';
import type { ControlDeps } from '../deps.ts';
import { durable } from '../durable.ts';
import { turn } from '../heartbeat.ts';
import type { JsonCache } from '../json-cache.ts';
import { judgedOutcomes } from '../asking/judged-outcomes.ts';
import { taskOf } from '../recipe-access.ts';

export interface Scope {
  readonly deps: ControlDeps;
  readonly cache: JsonCache;
  readonly recipe: Recipe;
  readonly dataset: ArtifactRef;
}

export interface ReportTests {
  readonly tests: readonly PairedTest[];
  /** Manifests of each pair's comparison. */
  readonly comparisons: readonly ArtifactRef[];
}

export type OutcomesOf = (run: EvaluatedRun) => Promise<OutcomesByTask>;

/** Reads the outcomes of each run once. */
export function outcomesReader(scope: Scope): OutcomesOf {
  const outcomes = new Map<EvaluatedRun, Promise<OutcomesByTask>>();
  return (run) => {
    const known = outcomes.get(run) ?? readOutcomes(scope, run);
    outcomes.set(run, known);
    return known;
  };
}

export async function testsBetween(
  scope: Scope,
  runs: readonly EvaluatedRun[],
  outcomesOf: OutcomesOf,
): Promise<ReportTests> {
  const tested = runs.map((run) => ({ runName: run.plan.runName, arm: run.plan.arm, seed: run.plan.seed, run }));
  const comparisons: ArtifactRef[] = [];
  const tests = await pairedTests(tested, async ({ run }, { run: other }) => {
    const { summary, manifest } = await compare(scope, run, other, outcomesOf);
    comparisons.push(manifest);
    return summary;
  });
  return { tests, comparisons };
}

async function compare(
  { deps, recipe, dataset }: Scope,
  run: EvaluatedRun,
  other: EvaluatedRun,
  outcomesOf: OutcomesOf,
): Promise<{ readonly summary: readonly TaskTest[]; readonly manifest: ArtifactRef }> {
  const { bootstrapResampleCount: resampleCount, seed } = recipe.evaluation;
  const tasks = run.evaluations.map(({ scores }) => scores.task);
  const labels = Object.fromEntries(tasks.map((task) => [task, classLabels(taskOf(recipe, task))]));
  const config = { labels, resampleCount, seed };
  const inputs = { dataset, judgments: judgmentsOf(run), otherJudgments: judgmentsOf(other) };
  return durable(deps, 'compare', { inputs, config }, async () => {
    const tests = await taskTests(await outcomesOf(run), await outcomesOf(other), config, turn);
    return { outputs: {}, summary: tests };
  });
}

export function judgmentsOf({ evaluations }: EvaluatedRun): ArtifactRef[] {
  return evaluations.map(({ judgments }) => judgments);
}

async function readOutcomes({ cache, recipe, dataset }: Scope, { evaluations }: EvaluatedRun): Promise<OutcomesByTask> {
  const all = await Promise.all(evaluations.map(({ judgments }) => judgedOutcomes(cache, recipe, dataset, judgments)));
  return new Map(all.map(({ task, outcomes }) => [task, outcomes]));
}

/** The paired tests of a report: what each run answered to each task, and each arm against those before it. */
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { type AnsweredRun, type PairedTest, pairedTests } from '../../judge/evaluation/paired-tests.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import type { EvaluatedRun } from '../../contract/activities.ts';
import { turn } from '../heartbeat.ts';
import type { JsonCache } from '../json-cache.ts';
import { judgedOutcomes } from '../asking/judged-outcomes.ts';
import { taskOf } from '../recipe-access.ts';

interface Scope {
  readonly cache: JsonCache;
  readonly recipe: Recipe;
  readonly dataset: ArtifactRef;
}

export async function testsBetween(scope: Scope, runs: readonly EvaluatedRun[]): Promise<PairedTest[]> {
  const { recipe } = scope;
  const answered: AnsweredRun[] = [];
  for (const run of runs) answered.push(await answeredOf(scope, run));
  const { bootstrapResampleCount: resampleCount, seed } = recipe.evaluation;
  return pairedTests({ runs: answered, labelsOf: (task) => taskOf(recipe, task).labels, resampleCount, seed }, turn);
}

async function answeredOf({ cache, dataset }: Scope, { plan, evaluations }: EvaluatedRun): Promise<AnsweredRun> {
  const all = await Promise.all(evaluations.map(({ judgments }) => judgedOutcomes(cache, dataset, judgments)));
  const byTask = all.map(({ task, outcomes }) => [task, outcomes] as const);
  return { runName: plan.runName, arm: plan.arm, seed: plan.seed, outcomes: new Map(byTask) };
}

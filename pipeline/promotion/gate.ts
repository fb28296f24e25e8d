/** The promotion gate: checks the stored judgments of candidate and promoted version against the recipe's rules. */
import type { ArtifactRef } from '../../artifacts/ref.ts';
import { MtrlError } from '../../core/errors.ts';
import {
  type Answered,
  type Contest,
  type GateCheck,
  gateChecks,
  type GateEvidence,
} from '../../judge/promotion/gate.ts';
import { classLabels } from '../../judge/kinds/table.ts';
import { gateOf } from '../../recipes/fields/promotion-fields.ts';
import type { ControlDeps } from '../deps.ts';
import { durable } from '../durable.ts';
import { turn } from '../heartbeat.ts';
import type { JsonCache } from '../json-cache.ts';
import { judgedOutcomes } from '../asking/judged-outcomes.ts';
import { keptEvaluation } from '../asking/kept-evaluation.ts';
import { recipeOf, taskOf } from '../recipe-access.ts';
import { versionText } from './version-text.ts';
import type { GateInput, GateResult, JudgedTask } from '../../contract/retraining.ts';

/** Throws EVALUATION_MISSING. */
export function createGate(deps: ControlDeps, cache: JsonCache) {
  return async (input: GateInput): Promise<GateResult> => {
    const { recipe: recipeRef, dataset, candidate, promoted } = input;
    const recipe = await recipeOf(cache, recipeRef);
    const rules = gateOf(recipe);
    const { bootstrapResampleCount: resampleCount, seed } = recipe.evaluation;
    const { promotedOnNewData = [], candidateOnOldData = [] } = input;
    const key = {
      inputs: {
        ...{ recipe: recipeRef, dataset, candidate: judgmentsOf(candidate.evaluations) },
        ...{ promotedOnNewData: judgmentsOf(promotedOnNewData), candidateOnOldData: judgmentsOf(candidateOnOldData) },
        ...(promoted && {
          ...{ promoted: judgmentsOf(promoted.judged), promotedRecipe: promoted.recipe },
          promotedDataset: promoted.dataset,
        }),
      },
      config: { rules, resampleCount, seed, against: promoted ? versionText(promoted) : null },
    };
    const { outputs, summary } = await durable(deps, 'gate', key, async () => {
      const contests = await contestsOf(cache, input);
      const evaluations = await Promise.all(candidate.evaluations.map((made) => keptEvaluation(cache.store, made)));
      const evidence: GateEvidence = {
        scores: evaluations.map(({ scores }) => scores),
        ...(contests && { contests }),
      };
      const checks: GateCheck[] = [];
      for (const check of gateChecks(rules, evidence, { resampleCount, seed })) {
        checks.push(check);
        await turn();
      }
      const passed = checks.every((check) => check.passed);
      return {
        outputs: { gate: await cache.put({ schema: 1, ...key.config, passed, checks }) },
        summary: { passed, checks },
      };
    });
    return { ...outputs, ...summary };
  };
}

function judgmentsOf(tasks: readonly { readonly judgments: ArtifactRef }[]): ArtifactRef[] {
  return tasks.map(({ judgments }) => judgments);
}

async function contestsOf(cache: JsonCache, input: GateInput): Promise<GateEvidence['contests']> {
  const { recipe, dataset, candidate, promoted, promotedOnNewData, candidateOnOldData } = input;
  if (promoted === undefined) return undefined;
  const contest = async (
    data: string,
    place: Place,
    ours: readonly JudgedTask[] | undefined,
    theirs: readonly JudgedTask[] | undefined,
  ): Promise<Contest> => {
    if (ours === undefined || theirs === undefined)
      throw new MtrlError('EVALUATION_MISSING', `the comparison with ${versionText(promoted)} lacks evaluations`, {
        where: data,
      });
    const all = (tasks: readonly JudgedTask[]): Promise<Answered[]> =>
      Promise.all(tasks.map((task) => answeredOf(cache, place, task)));
    return { data, candidate: await all(ours), promoted: await all(theirs) };
  };
  const own = candidate.evaluations.map(({ judgments, scores: { task, split } }) => ({ task, split, judgments }));
  return {
    onNewData: await contest('new data', { recipe, dataset }, own, promotedOnNewData),
    onOldData: await contest(`data of ${versionText(promoted)}`, promoted, candidateOnOldData, promoted.judged),
  };
}

interface Place {
  readonly recipe: ArtifactRef;
  readonly dataset: ArtifactRef;
}

async function answeredOf(
  cache: JsonCache,
  { recipe, dataset }: Place,
  { judgments, task, split }: JudgedTask,
): Promise<Answered> {
  const judged = await recipeOf(cache, recipe);
  const labels = classLabels(taskOf(judged, task));
  const { outcomes } = await judgedOutcomes(cache, judged, dataset, judgments);
  return { task, split, labels, outcomes };
}

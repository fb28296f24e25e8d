/** Validates the recipe, resolves its defaults, stores it, and returns its runs and evaluations. */
import { asJson } from '../../artifacts/codecs/json-value.ts';
import { isStorableId } from '../../artifacts/experiments.ts';
import { MtrlError } from '../../core/errors.ts';
import { digestOf } from '../../core/json.ts';
import type { SourceFiles } from '../../judge/datasets/sources/source-files.ts';
import { absentOf, withoutAbsent } from '../../recipes/absent-data.ts';
import { requireFiles } from '../../recipes/paths.ts';
import { parseRecipe } from '../../recipes/load.ts';
import type { ArmPlan, PrepareInput, PrepareResult } from '../../contract/activities.ts';
import type { JsonCache } from '../json-cache.ts';
import type { Hub } from '../../artifacts/hub/hub.ts';
import type { Recipe } from '../../recipes/recipe.ts';
import { endpointOf } from '../../recipes/arms.ts';
import { endpointPolicy } from '../policies/endpoint-policy.ts';
import { armOf } from '../recipe-access.ts';
import { findAbsent } from './find-absent.ts';
import { withPinnedAddresses } from './pin-hub.ts';
import { planEvaluations, planRuns } from '../training/plan-runs.ts';

/**
 * Has no cache key, because it is cheap and must look at the files each time. Throws USAGE for an id under which nothing
 * can be stored; RECIPE_INVALID, FILE_MISSING;
 * NOT_FOUND, HUB_REFUSED, HUB_UNREACHABLE for addresses of the Hub.
 */
export function createPrepare(cache: JsonCache, files: SourceFiles, hub?: Hub) {
  return async ({ recipe: written, needed, experimentId }: PrepareInput): Promise<PrepareResult> => {
    if (experimentId !== undefined) requireStorable(experimentId);
    const parsed = parseRecipe(written);
    requireFiles(parsed, needed);
    const recipe = await whatIsThere(await withPinnedAddresses(parsed, hub, needed), files);
    const absent = absentOf(recipe);
    const { promotion, parallelRunCountMax, pools } = recipe;
    return {
      recipe: await cache.putRecipe(recipe),
      recipeDigest: digestOf(asJson(recipe)),
      recipeName: recipe.name,
      runs: await Promise.all(planRuns(recipe).map((plan) => withEndpoint(cache, recipe, plan))),
      evaluations: planEvaluations(recipe),
      ...(parallelRunCountMax !== undefined && { parallelRunCountMax }),
      ...(pools && { pools }),
      ...(absent.length > 0 && { absent }),
      ...(promotion && { promotion: { name: promotion.name, startFrom: promotion.startFrom } }),
    };
  };
}

function requireStorable(experimentId: string): void {
  if (isStorableId(experimentId)) return;
  throw new MtrlError('USAGE', 'the experiment cannot be stored under its workflow id', {
    found: JSON.stringify(experimentId),
    hint: 'start it with an id of at most 200 letters, digits, `.`, `_`, `=` and `-`',
  });
}

/** Without the data that is missing, if the recipe allows that. Throws DATASET_EMPTY if nothing is left. */
async function whatIsThere(recipe: Recipe, files: SourceFiles): Promise<Recipe> {
  const absent = await findAbsent(recipe, files);
  return absent.size === 0 ? recipe : withoutAbsent(recipe, absent);
}

/** The plan of an arm with an endpoint names it: the arm needs nothing of the recipe's policy. */
async function withEndpoint(cache: JsonCache, recipe: Recipe, plan: ArmPlan): Promise<ArmPlan> {
  const endpoint = endpointOf(armOf(recipe, plan.arm));
  return endpoint === undefined ? plan : { ...plan, endpoint: await cache.put(endpointPolicy(endpoint)) };
}

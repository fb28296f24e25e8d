/** Validates the recipe, resolves its defaults, stores it, and returns its runs and evaluations. */
import { asJson } from '../../artifacts/codecs/json-value.ts';
import { digestOf } from '../../core/json.ts';
import { requireFiles } from '../../recipes/paths.ts';
import { parseRecipe } from '../../recipes/load.ts';
import type { PrepareInput, PrepareResult } from '../../contract/activities.ts';
import type { JsonCache } from '../json-cache.ts';
import type { Hub } from '../../artifacts/hub/hub.ts';
import { withPinnedAddresses } from './pin-hub.ts';
import { planEvaluations, planRuns } from '../training/plan-runs.ts';

/**
 * Has no cache key, because it is cheap and must look at the files each time. Throws RECIPE_INVALID, FILE_MISSING;
 * NOT_FOUND, HUB_REFUSED, HUB_UNREACHABLE for addresses of the Hub.
 */
export function createPrepare(cache: JsonCache, hub?: Hub) {
  return async ({ recipe: written, needed }: PrepareInput): Promise<PrepareResult> => {
    const parsed = parseRecipe(written);
    requireFiles(parsed, needed);
    const recipe = await withPinnedAddresses(parsed, hub, needed);
    const { promotion, parallelRunCountMax } = recipe;
    return {
      recipe: await cache.put(recipe),
      recipeDigest: digestOf(asJson(recipe)),
      recipeName: recipe.name,
      runs: planRuns(recipe),
      evaluations: planEvaluations(recipe),
      ...(parallelRunCountMax !== undefined && { parallelRunCountMax }),
      ...(promotion && { promotion: { name: promotion.name, startFrom: promotion.startFrom } }),
    };
  };
}

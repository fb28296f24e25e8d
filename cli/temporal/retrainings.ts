/** Recipes for retraining: those with `promotion`, the conditions for promoting their judge to a name. */
import { readOverrides } from '../../infra/stack/settings.ts';
import { type LoadedRecipe, loadRecipeFile } from '../../recipes/load.ts';
import { requireFiles } from '../../recipes/paths.ts';
import { recipeError } from '../../recipes/checks/problem.ts';
import type { PromotionSpec } from '../../recipes/fields/promotion-fields.ts';

/** Throws USAGE, RECIPE_INVALID, FILE_MISSING. */
export function loadRetrainRecipe(
  file: string,
  sets: readonly string[],
): LoadedRecipe & { readonly promotion: PromotionSpec } {
  const loaded = loadRecipeFile(file, sets);
  const { promotion } = loaded.parsed;
  if (promotion === undefined) {
    const allowed = 'promotion: {name: ..., arm: ...}: the name to promote to, and the arm to promote';
    throw recipeError([{ path: ['promotion'], found: 'nothing', allowed }], file);
  }
  // Workers of a remote stack see other files and check them themselves.
  if (readOverrides().temporal === undefined) requireFiles(loaded.parsed);
  return { ...loaded, promotion };
}

/** Workflow id of a running retraining of the name (workflows/retrain.ts). */
export function retrainWorkflowId({ name }: PromotionSpec): string {
  return `retrain/${name}`;
}
